//! The commit: a decision and the events that followed, in a fixed layout written by hand.
//!
//! The layout needs no codec to verify, so an auditor's tool reads ids, chain and payload
//! boundaries without bincode. Hashes cover these stored bytes, never a re-encoding.
//! All integers are big endian:
//!
//! ```text
//! 0    1   format version (1)
//! 1    1   codec id (1 = bincode 2 standard)
//! 2    16  log id
//! 18   16  commit id
//! 34   1   stream kind            35  16  stream id
//! 51   8   stream version: 1 for the first commit of a stream, gapless
//! 59   8   occurred_at (i64, µs)  67   8  stamped_at (i64, µs)
//! 75   1   actor kind             76  16  actor id
//! 92   16  correlation id         108 16  causation commit id (zero: none)
//! 124  8   owner epoch
//! 132  4   code version           136  4  rules version
//! 140  32  hash of the stream's previous commit (zero for the first)
//! 172  2   number of payloads, then each:
//!          1 role (0 command, 1 context, 2 event), 1 name length, name,
//!          2 schema version, 4 length, bytes
//! ```

use crate::actor::Actor;
use crate::codec::{CODEC_BINCODE2, Encoded};
use crate::ids::{CommitId, ContentHash, CorrelationId, LogId};
use crate::stream::{StreamId, StreamKind};
use crate::units::UtcMicros;
use sha2::{Digest, Sha256};

/// The only layout there is so far.
pub const FORMAT_VERSION: u8 = 1;
/// Largest commit in stored bytes; longer content is an attachment named by its hash.
pub const MAX_COMMIT_BYTES: usize = 60 * 1024;
const FIXED_BYTES: usize = 174;

/// Everything in a commit but its payloads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// The ledger it belongs to.
    pub log_id: LogId,
    /// Its identity: the same command done again has the same id.
    pub commit_id: CommitId,
    /// The stream it extends.
    pub stream: StreamId,
    /// Its place in the stream, from 1.
    pub version: u64,
    /// When it happened.
    pub occurred_at: UtcMicros,
    /// When the writer stamped it.
    pub stamped_at: UtcMicros,
    /// Who did it.
    pub actor: Actor,
    /// The conversation it belongs to.
    pub correlation: CorrelationId,
    /// The commit that caused it; zero for none.
    pub causation: CommitId,
    /// Epoch of the owner that decided it.
    pub owner_epoch: u64,
    /// Version of the program, `major << 16 | minor << 8 | patch`.
    pub code_version: u32,
    /// Version of the rules that decided.
    pub rules_version: u32,
    /// Hash of the stream's previous commit; zero for the first.
    pub previous: ContentHash,
}

/// What a payload is in its commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Role {
    /// The command that was decided.
    Command = 0,
    /// What it was decided with.
    Context = 1,
    /// What followed.
    Event = 2,
}

/// One commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Commit {
    /// Envelope fields.
    pub header: Header,
    /// The command; absent in witnessed streams.
    pub command: Option<Encoded>,
    /// The context it was decided in; absent in witnessed streams.
    pub context: Option<Encoded>,
    /// The events, in order; at least one.
    pub events: Vec<Encoded>,
}

/// Why bytes are not a commit, or a commit cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The bytes end early.
    #[error("commit is cut short at byte {at}")]
    Short {
        /// Offset where bytes were missing.
        at: usize,
    },
    /// Bytes are left over.
    #[error("commit has {0} bytes left over")]
    Trailing(usize),
    /// A number stands for nothing.
    #[error("commit field {field} has unknown value {found}")]
    Unknown {
        /// The field.
        field: &'static str,
        /// As stored.
        found: u64,
    },
    /// A name is not UTF-8 or too long.
    #[error("payload name is not valid")]
    Name,
    /// The payloads are not (command, context)? then events.
    #[error("commit payloads are out of order")]
    Order,
    /// Too large to store.
    #[error("commit is {found} bytes, limit {MAX_COMMIT_BYTES}")]
    TooLarge {
        /// Size in bytes.
        found: usize,
    },
    /// Nothing followed from it.
    #[error("commit has no event")]
    Empty,
}

impl Commit {
    /// Stored bytes of this commit.
    pub fn encode(&self) -> Result<Vec<u8>, EnvelopeError> {
        if self.events.is_empty() {
            return Err(EnvelopeError::Empty);
        }
        let h = &self.header;
        let mut out = Vec::with_capacity(FIXED_BYTES + 256);
        out.extend_from_slice(&[FORMAT_VERSION, CODEC_BINCODE2]);
        out.extend_from_slice(&h.log_id.0);
        out.extend_from_slice(&h.commit_id.0);
        out.push(h.stream.kind as u8);
        out.extend_from_slice(&h.stream.id);
        out.extend_from_slice(&h.version.to_be_bytes());
        out.extend_from_slice(&h.occurred_at.0.to_be_bytes());
        out.extend_from_slice(&h.stamped_at.0.to_be_bytes());
        let (actor_kind, actor_id) = h.actor.to_parts();
        out.push(actor_kind);
        out.extend_from_slice(&actor_id);
        out.extend_from_slice(&h.correlation.0);
        out.extend_from_slice(&h.causation.0);
        out.extend_from_slice(&h.owner_epoch.to_be_bytes());
        out.extend_from_slice(&h.code_version.to_be_bytes());
        out.extend_from_slice(&h.rules_version.to_be_bytes());
        out.extend_from_slice(&h.previous.0);
        let payloads = self.payloads();
        out.extend_from_slice(&(payloads.len() as u16).to_be_bytes());
        for (role, payload) in payloads {
            if payload.name.len() > usize::from(u8::MAX) {
                return Err(EnvelopeError::Name);
            }
            out.push(role as u8);
            out.push(payload.name.len() as u8);
            out.extend_from_slice(payload.name.as_bytes());
            out.extend_from_slice(&payload.version.to_be_bytes());
            out.extend_from_slice(&(payload.bytes.len() as u32).to_be_bytes());
            out.extend_from_slice(&payload.bytes);
        }
        if out.len() > MAX_COMMIT_BYTES {
            return Err(EnvelopeError::TooLarge { found: out.len() });
        }
        Ok(out)
    }

    fn payloads(&self) -> Vec<(Role, &Encoded)> {
        let command = self.command.iter().map(|p| (Role::Command, p));
        let context = self.context.iter().map(|p| (Role::Context, p));
        let events = self.events.iter().map(|p| (Role::Event, p));
        command.chain(context).chain(events).collect()
    }

    /// The commit in these stored bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_COMMIT_BYTES {
            return Err(EnvelopeError::TooLarge { found: bytes.len() });
        }
        let mut r = Reader { bytes, at: 0 };
        let header = decode_header(&mut r)?;
        let count = u16::from_be_bytes(r.take()?);
        let (mut command, mut context, mut events) = (None, None, Vec::new());
        for _ in 0..count {
            let role = r.byte()?;
            let payload = decode_payload(&mut r)?;
            match role {
                0 if command.is_none() && context.is_none() && events.is_empty() => {
                    command = Some(payload);
                }
                1 if context.is_none() && events.is_empty() => context = Some(payload),
                2 => events.push(payload),
                0 | 1 => return Err(EnvelopeError::Order),
                _ => return Err(EnvelopeError::Unknown { field: "role", found: role.into() }),
            }
        }
        if r.at != bytes.len() {
            return Err(EnvelopeError::Trailing(bytes.len() - r.at));
        }
        if events.is_empty() {
            return Err(EnvelopeError::Empty);
        }
        Ok(Self { header, command, context, events })
    }
}

/// SHA-256 of a commit's stored bytes: what the chain and the tree are built from.
pub fn hash(stored: &[u8]) -> ContentHash {
    ContentHash(Sha256::digest(stored).into())
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn slice(&mut self, n: usize) -> Result<&'a [u8], EnvelopeError> {
        let end = self.at.checked_add(n).ok_or(EnvelopeError::Short { at: self.at })?;
        let out = self.bytes.get(self.at..end).ok_or(EnvelopeError::Short { at: self.at })?;
        self.at = end;
        Ok(out)
    }
    fn take<const N: usize>(&mut self) -> Result<[u8; N], EnvelopeError> {
        let mut out = [0u8; N];
        out.copy_from_slice(self.slice(N)?);
        Ok(out)
    }
    fn byte(&mut self) -> Result<u8, EnvelopeError> {
        Ok(self.take::<1>()?[0])
    }
}

fn decode_header(r: &mut Reader<'_>) -> Result<Header, EnvelopeError> {
    let unknown = |field, found: u8| EnvelopeError::Unknown { field, found: found.into() };
    let format = r.byte()?;
    if format != FORMAT_VERSION {
        return Err(unknown("format version", format));
    }
    let codec = r.byte()?;
    if codec != CODEC_BINCODE2 {
        return Err(unknown("codec id", codec));
    }
    let log_id = LogId(r.take()?);
    let commit_id = CommitId(r.take()?);
    let kind = r.byte()?;
    let kind = StreamKind::from_number(kind).ok_or(unknown("stream kind", kind))?;
    let stream = StreamId { kind, id: r.take()? };
    let version = u64::from_be_bytes(r.take()?);
    let occurred_at = UtcMicros(i64::from_be_bytes(r.take()?));
    let stamped_at = UtcMicros(i64::from_be_bytes(r.take()?));
    let actor_kind = r.byte()?;
    let actor =
        Actor::from_parts(actor_kind, r.take()?).ok_or(unknown("actor kind", actor_kind))?;
    Ok(Header {
        log_id,
        commit_id,
        stream,
        version,
        occurred_at,
        stamped_at,
        actor,
        correlation: CorrelationId(r.take()?),
        causation: CommitId(r.take()?),
        owner_epoch: u64::from_be_bytes(r.take()?),
        code_version: u32::from_be_bytes(r.take()?),
        rules_version: u32::from_be_bytes(r.take()?),
        previous: ContentHash(r.take()?),
    })
}

fn decode_payload(r: &mut Reader<'_>) -> Result<Encoded, EnvelopeError> {
    let name_len = usize::from(r.byte()?);
    let name = std::str::from_utf8(r.slice(name_len)?).map_err(|_| EnvelopeError::Name)?.into();
    let version = u16::from_be_bytes(r.take()?);
    let length = u32::from_be_bytes(r.take()?) as usize;
    Ok(Encoded { name, version, bytes: r.slice(length)?.to_vec() })
}
