//! The conversation between a frontend and the daemon that runs it.
