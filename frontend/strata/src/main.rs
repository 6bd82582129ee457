//! The frontend image's entrypoint.

fn main() {}
