//! Printing that survives a reader who goes away.

use std::io::{ErrorKind, Write};

/// Prints text and a line's end; a closed pipe is no error.
pub fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    let ends = if text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{ends}").and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(format!("cannot print: {e}")),
    }
}

/// Prints a value as JSON for people and programs alike.
pub fn print_json<T: serde::Serialize>(value: &T) -> Result<(), String> {
    print(&serde_json::to_string_pretty(value).map_err(|e| e.to_string())?)
}
