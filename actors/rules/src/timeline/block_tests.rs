//! Smart blocks in a timeline, given / when / then.
