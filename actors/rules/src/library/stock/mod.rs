//! A library's stock: folders, items that wait for their measuring, deletion, replaced audio.
//!
//! | command | events | rejections |
//! |---|---|---|
//! | `TakeFolder` | `FolderTaken` | `FolderHeld`, `TooMany`, `Text`, `Category` |
//! | `TakeFiles` | `FilesTaken`, `MediaRefused`, `MediaRestored` | `UnknownFolder`, `Text` |
//! | `MissFiles` | `FileGone`, `MediaDeleted` | `UnknownFolder` |
//! | `FinishFolder`, `LeaveFolder` | `FolderDone`, `FolderLeft` | `UnknownFolder` |
//! | `FailMeasuring` | `MediaRefused`, `MeasuringFailed` | `UnknownMedia` |
//! | `ReplaceAudio` | `AudioReplaced` | `UnknownMedia`, `Duplicate`, `Cues`, … |
//! | `DeleteMedia`, `RestoreMedia` | `MediaDeleted`, `MediaRestored` | `InPlaylist`, … |
//! | `SetEntries` | `PlaylistSet`, `PlaylistTimed` | as `SetPlaylist`, `Cues`, `Measure` |
//! | `Several` | those of the commands that can be carried out | none |
//!
//! A file is an item's own, or one with bytes that are known from elsewhere, or refused. When an
//! item's own file goes, so does the item, until the bytes are there again under whatever name.

pub mod command;
mod decide;
mod evolve;
mod files;
mod playlist;
pub mod state;
#[cfg(test)]
mod tests;

pub use decide::{FOLDERS_MAX, decide};
pub use evolve::evolve;
pub use playlist::{TIMED_MAX, marks};
