//! Every deviation is named; nothing else is.
