//! Why a station says no.

use super::decide::bitrates_kbps;
use crate::text::TextFault;
use crate::{Reject, RejectClass};
use grimnir_events::station::MountFormat;
use grimnir_events::{MountId, OutputId};

/// Why a station says no.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StationRejection {
    /// It was never created.
    #[error("the station does not exist")]
    Missing,
    /// It was created before.
    #[error("the station exists already, as \"{slug}\"")]
    AlreadyExists {
        /// Its slug.
        slug: String,
    },
    /// A text is too short, too long or holds a control character.
    #[error("{field} {fault}")]
    Text {
        /// Which field.
        field: &'static str,
        /// What is wrong.
        fault: TextFault,
    },
    /// The slug has other characters, or a dash at an end.
    #[error("slug \"{found}\" holds {at:?}, expected only a-z, 0-9 and dashes between them")]
    Slug {
        /// As given.
        found: String,
        /// The first character at fault.
        at: char,
    },
    /// No such zone in the bundled time-zone data.
    #[error("time zone \"{found}\" is not in the IANA data, expected a name like Europe/Berlin")]
    TimeZone {
        /// As given, cut at 80 characters.
        found: String,
    },
    /// A setting is out of its range.
    #[error("setting {field} is {found} {unit}, expected {min} to {max}")]
    Setting {
        /// Which.
        field: &'static str,
        /// As given.
        found: i64,
        /// Least.
        min: i64,
        /// Most.
        max: i64,
        /// Of what.
        unit: &'static str,
    },
    /// The mount's path cannot be served.
    #[error("mount path \"{found}\" {why}")]
    Path {
        /// As given, cut at 100 characters.
        found: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The format is not offered with this bit rate.
    #[error(
        "bit rate of {format:?} is {found} kbit/s, expected one of {:?}",
        bitrates_kbps(*format)
    )]
    Bitrate {
        /// How the mount is encoded.
        format: MountFormat,
        /// As given.
        found: u16,
    },
    /// Another mount has the id.
    #[error("mount {mount_id} exists already with other properties")]
    MountTaken {
        /// Which.
        mount_id: MountId,
    },
    /// Another mount has the path.
    #[error("path {path} belongs to mount {mount_id} already")]
    PathTaken {
        /// The path.
        path: String,
        /// Whose.
        mount_id: MountId,
    },
    /// No room for more.
    #[error("the station has {found} mounts, limit {limit}")]
    TooManyMounts {
        /// How many there are.
        found: usize,
        /// How many may be.
        limit: usize,
    },
    /// No such mount.
    #[error("there is no mount {mount_id}")]
    UnknownMount {
        /// Which.
        mount_id: MountId,
    },
    /// No such output.
    #[error("there is no output {output_id}")]
    UnknownOutput {
        /// Which.
        output_id: OutputId,
    },
    /// An output stays what it is.
    #[error("output {output_id} is of another kind already")]
    OutputTaken {
        /// Which.
        output_id: OutputId,
    },
    /// No room for more.
    #[error("the station has {found} outputs, limit {limit}")]
    TooManyOutputs {
        /// How many there are.
        found: usize,
        /// How many may be.
        limit: usize,
    },
    /// The kind of output cannot carry the format.
    #[error("format of an output of the kind {kind} is {found:?}, expected one of {able:?}")]
    OutputFormat {
        /// What it is.
        kind: &'static str,
        /// As given.
        found: MountFormat,
        /// What it carries.
        able: Vec<MountFormat>,
    },
    /// An output by RTP cannot be so.
    #[error("{field} is {found}, expected {expected}")]
    Rtp {
        /// Which part.
        field: &'static str,
        /// As given.
        found: u32,
        /// What it can be.
        expected: &'static str,
    },
    /// A recording would not tell which frame of the air is which.
    #[error("bit rate of a recording in MP3 is {found} kbit/s, expected {least} or more")]
    RecordingBitrate {
        /// As given.
        found: u16,
        /// Least.
        least: u16,
    },
    /// Another output stands there.
    #[error("{place} meets that of output {output_id}")]
    PlaceTaken {
        /// The path or the folder.
        place: String,
        /// Whose.
        output_id: OutputId,
    },
    /// Not the name or the address of a host.
    #[error("host \"{found}\" holds {at:?}, expected letters, digits and any of . - _ :")]
    Host {
        /// As given, cut at 80 characters.
        found: String,
        /// The first character that does not fit.
        at: char,
    },
    /// Not the name of a folder.
    #[error("folder \"{found}\" holds {at:?}, expected letters, digits, - and _")]
    Folder {
        /// As given, cut at 80 characters.
        found: String,
        /// The first character that does not fit.
        at: char,
    },
    /// The all-zero id names nothing.
    #[error("{field} is the nil id, expected one that names something")]
    NilId {
        /// Which field.
        field: &'static str,
    },
}

impl Reject for StationRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing => "station_not_found",
            Self::AlreadyExists { .. } => "station_exists",
            Self::Text { .. } => "bad_text",
            Self::Slug { .. } => "bad_slug",
            Self::TimeZone { .. } => "unknown_time_zone",
            Self::Setting { .. } => "setting_out_of_range",
            Self::Path { .. } => "bad_mount_path",
            Self::Bitrate { .. } => "bad_bitrate",
            Self::MountTaken { .. } => "mount_exists",
            Self::PathTaken { .. } => "mount_path_taken",
            Self::TooManyMounts { .. } => "too_many_mounts",
            Self::UnknownMount { .. } => "mount_not_found",
            Self::NilId { .. } => "nil_id",
            Self::UnknownOutput { .. } => "output_not_found",
            Self::OutputTaken { .. } => "output_exists",
            Self::TooManyOutputs { .. } => "too_many_outputs",
            Self::OutputFormat { .. } => "bad_output_format",
            Self::RecordingBitrate { .. } => "bad_recording_bitrate",
            Self::Rtp { .. } => "bad_rtp_output",
            Self::PlaceTaken { .. } => "output_place_taken",
            Self::Host { .. } => "bad_host",
            Self::Folder { .. } => "bad_folder",
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Text { field, .. }
            | Self::Setting { field, .. }
            | Self::Rtp { field, .. }
            | Self::NilId { field } => Some(field),
            Self::Slug { .. } => Some("slug"),
            Self::TimeZone { .. } => Some("time_zone"),
            Self::Path { .. } | Self::PathTaken { .. } => Some("path"),
            Self::Bitrate { .. } | Self::RecordingBitrate { .. } => Some("bitrate_kbps"),
            Self::OutputFormat { .. } => Some("format"),
            Self::Host { .. } => Some("host"),
            Self::Folder { .. } => Some("folder"),
            Self::Missing
            | Self::AlreadyExists { .. }
            | Self::MountTaken { .. }
            | Self::TooManyMounts { .. }
            | Self::UnknownMount { .. }
            | Self::UnknownOutput { .. }
            | Self::OutputTaken { .. }
            | Self::TooManyOutputs { .. }
            | Self::PlaceTaken { .. } => None,
        }
    }
    fn class(&self) -> RejectClass {
        match self {
            Self::Missing | Self::UnknownMount { .. } | Self::UnknownOutput { .. } => {
                RejectClass::NotFound
            }
            Self::AlreadyExists { .. }
            | Self::MountTaken { .. }
            | Self::PathTaken { .. }
            | Self::TooManyMounts { .. }
            | Self::OutputTaken { .. }
            | Self::TooManyOutputs { .. }
            | Self::PlaceTaken { .. } => RejectClass::Conflict,
            Self::Text { .. }
            | Self::Slug { .. }
            | Self::TimeZone { .. }
            | Self::Setting { .. }
            | Self::Path { .. }
            | Self::Bitrate { .. }
            | Self::NilId { .. }
            | Self::OutputFormat { .. }
            | Self::RecordingBitrate { .. }
            | Self::Rtp { .. }
            | Self::Host { .. }
            | Self::Folder { .. } => RejectClass::Invalid,
        }
    }
}
