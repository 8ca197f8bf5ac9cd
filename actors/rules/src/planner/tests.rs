//! Behaviour, given / when / then.
