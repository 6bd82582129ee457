//! What the user wrote: YAML to values that know their lines.
