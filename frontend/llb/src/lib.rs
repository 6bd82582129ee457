//! BuildKit's LLB as values.
