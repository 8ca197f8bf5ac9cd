//! Which servers an address may lead to: what a server of the public network says leads to none of
//! this one's own.
//!
//! A station's own address may be at any. Where a server there is public, what it redirects to,
//! and what its playlists name, is judged after its name was resolved. Upstream: [`super::client`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where a way from an address may lead on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// A server of the public network was on the way.
    public: bool,
    is_public: fn(IpAddr) -> bool,
}

impl Reach {
    /// What a person set may be anywhere.
    pub(super) fn anywhere() -> Self {
        Self { public: false, is_public }
    }

    /// The same, with another view of what is public.
    #[cfg(test)]
    pub(super) fn judged_by(is_public: fn(IpAddr) -> bool) -> Self {
        Self { public: false, is_public }
    }

    /// Of the addresses of a host those that it may lead to.
    pub(super) fn of(
        self,
        host: &str,
        found: impl Iterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, String> {
        let (may, not): (Vec<SocketAddr>, Vec<SocketAddr>) =
            found.partition(|address| !self.public || (self.is_public)(address.ip()));
        match (may.is_empty(), not.first()) {
            (false, _) => Ok(may),
            (true, None) => Err(format!("no address is known of {host:?}")),
            (true, Some(first)) => {
                let ip = first.ip();
                Err(format!("a public server leads to {host:?} at the private address {ip}"))
            }
        }
    }

    /// What may follow on a server at this address.
    pub(super) fn behind(self, server: IpAddr) -> Self {
        Self { public: self.public || (self.is_public)(server), ..self }
    }
}

/// An address of the public network: none of this machine, its network, or of no use alone.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let own = address.is_private() || address.is_loopback() || address.is_link_local();
    // Shared by customers of a carrier (RFC 6598), of protocols and of measurements.
    let shared = (a == 100 && b & 0xc0 == 64) || (a, b, c) == (192, 0, 0);
    let measured = a == 198 && b & 0xfe == 18;
    !(own || shared || measured || a == 0 || a >= 224)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let of = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Addresses of IPv4 by a translator (RFC 6052), by 6to4, and in the old form.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => of(high, low),
        // Unspecified and loopback are of this form as well.
        [0, 0, 0, 0, 0, 0, _, _] => false,
        // A translator of one's own (RFC 8215).
        [0x64, 0xff9b, 1, ..] => false,
        // Unique local, link local, site local, to many.
        [first, ..] => {
            first & 0xfe00 != 0xfc00 && first & 0xff80 != 0xfe80 && first & 0xff00 != 0xff00
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_is_public_or_one_of_our_own() {
        for own in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fec0::1",
            "fd00::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "192.0.0.8",
        ] {
            assert!(!is_public(at(own)), "{own}");
        }
        for public in [
            "9.9.9.9",
            "172.32.0.1",
            "100.128.0.1",
            "192.1.0.1",
            "223.255.255.255",
            "2600::1",
            "::ffff:9.9.9.9",
            "64:ff9b::909:909",
            "2002:909:909::1",
            "2a00::1",
            "192.169.0.1",
        ] {
            assert!(is_public(at(public)), "{public}");
        }
    }

    #[test]
    fn what_a_public_server_says_leads_to_public_ones_alone() {
        let of = |reach: Reach, all: &[&str]| {
            let all = all.iter().map(|ip| SocketAddr::new(at(ip), 80));
            reach.of("host", all).map(|may| may.len())
        };
        let set = Reach::anywhere();
        assert_eq!(of(set, &["127.0.0.1", "9.9.9.9"]), Ok(2));
        let own = set.behind(at("192.168.1.1"));
        assert_eq!(of(own, &["127.0.0.1"]), Ok(1), "one server of ours names another");
        let public = own.behind(at("9.9.9.9"));
        assert_eq!(of(public, &["127.0.0.1", "9.9.9.9"]), Ok(1), "of a name with both, the one");
        assert!(of(public, &["10.0.0.1"]).expect_err("refused").contains("10.0.0.1"));
        let behind = public.behind(at("10.0.0.1"));
        assert!(of(behind, &["10.0.0.1"]).is_err(), "it stays so");
        assert!(of(set, &[]).is_err());
    }
}
