//! Requirements as pip reads them, normalised.
