//! How a site's log is called on a server.

use grimnir_events::{SiteId, StreamId};

/// The names of one site's log.
#[derive(Clone, Debug)]
pub struct Names {
    /// The stream: `EVT_<site>`.
    pub stream: String,
    prefix: String,
}

impl Names {
    /// The names of this site's log.
    pub fn of(site: SiteId) -> Self {
        Self { stream: format!("EVT_{site}"), prefix: format!("evt.{site}") }
    }
    /// The subject of one stream: `evt.<site>.<kind>.<id>`. Every writer of it uses exactly this
    /// text: the server compares conditions by it.
    pub fn subject(&self, stream: StreamId) -> String {
        format!("{}.{}.{}", self.prefix, stream.kind.word(), hex::encode(stream.id))
    }
    /// The stream below the site's bucket of leases.
    pub fn lease_stream(&self) -> String {
        format!("KV_{}", self.lease_bucket())
    }
    /// The site's bucket of leases: `LEASE_<site>`.
    pub fn lease_bucket(&self) -> String {
        self.stream.replacen("EVT", "LEASE", 1)
    }
    /// What stands before a lease's key in its subject.
    pub(crate) fn lease_prefix(&self) -> String {
        format!("$KV.{}.", self.lease_bucket())
    }
    /// All subjects of the site.
    pub fn all(&self) -> String {
        format!("{}.>", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::{StationId, StreamKind};

    #[test]
    fn a_stream_has_one_subject() {
        let names = Names::of(SiteId([0xab; 16]));
        assert_eq!(names.stream, "EVT_sit_abababababababababababababababab");
        let stream = StreamId::of_station(StreamKind::Ladder, StationId([1; 16]));
        assert_eq!(
            names.subject(stream),
            "evt.sit_abababababababababababababababab.ladder.01010101010101010101010101010101"
        );
        assert_eq!(names.lease_prefix(), "$KV.LEASE_sit_abababababababababababababababab.");
        assert_eq!(names.all(), "evt.sit_abababababababababababababababab.>");
    }
}
