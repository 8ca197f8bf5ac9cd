//! Behaviour of the aggregate, given / when / then.
