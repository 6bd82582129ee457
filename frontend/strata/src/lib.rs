//! Strata: a BuildKit frontend for Python machine-learning services.
