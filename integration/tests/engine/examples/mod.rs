//! The examples, built and run as their READMEs say. What takes downloads that only the internet
//! has comes from elsewhere: PyTorch from Debian, models from the tests' hub.

mod article_transfer;
mod knowledge_base;
mod lightspeed;
mod llm_service;
mod semantic_search;
mod service;
