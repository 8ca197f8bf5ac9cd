//! Access: users, credentials and roles of a site.

pub mod command;
