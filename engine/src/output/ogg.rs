//! Ogg pages (RFC 3533), each made of whole packets, so that a listener may begin at any of them.

/// Bytes that one entry of a page's table stands for.
const SEGMENT: usize = 255;
/// Entries of a page's table.
const SEGMENTS: usize = 255;
/// The page is the first of its stream.
pub const FIRST: u8 = 2;
/// The page is the last of its stream: its position may cut the end of its last packet.
pub const LAST: u8 = 4;
/// Bytes of a page before its table.
const HEADER: usize = 27;
/// Samples of an Opus packet of 20 ms, as the encoder makes them unless told otherwise.
pub const OPUS_SAMPLES: u64 = 960;

/// A page of whole packets.
pub struct Page {
    /// [`FIRST`], [`LAST`] or neither.
    pub flags: u8,
    /// Position of the stream at its end.
    pub granule: u64,
    /// What is in it; together not longer than a page.
    pub packets: Vec<Vec<u8>>,
}

/// One packet and the position of the stream at its end.
pub struct Packet {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Samples that the stream holds up to and with this packet, as its mapping counts them.
    pub granule: u64,
}

/// Writes one logical stream.
pub struct Writer {
    serial: u32,
    pages: u32,
}

impl Writer {
    /// A stream that is told from others by `serial`.
    pub fn new(serial: u32) -> Self {
        Self { serial, pages: 0 }
    }

    /// The header packets: the first on a page of its own, as every mapping asks for, and nothing
    /// of the sound on the last.
    pub fn head(&mut self, packets: &[Vec<u8>]) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        for packet in packets {
            self.page(&mut out, &[packet.as_slice()], 0)?;
        }
        Ok(out)
    }

    /// Pages of these packets.
    pub fn sound(&mut self, packets: &[Packet]) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let mut rest = packets;
        while !rest.is_empty() {
            let mut room = SEGMENTS;
            let fits = rest.iter().take_while(|packet| {
                let needs = segments(packet.bytes.len());
                let fits = needs <= room;
                room = room.saturating_sub(needs);
                fits
            });
            // At least one, so that a packet too large for any page is named, not tried for ever.
            let (page, after) = rest.split_at(fits.count().max(1));
            let bytes: Vec<&[u8]> = page.iter().map(|packet| packet.bytes.as_slice()).collect();
            let granule = page.last().map_or(0, |packet| packet.granule);
            self.page(&mut out, &bytes, granule)?;
            rest = after;
        }
        Ok(out)
    }

    /// Pages of the last packets.
    pub fn end(&mut self, packets: &[Packet]) -> Result<Vec<u8>, String> {
        let mut out = self.sound(packets)?;
        let (mut at, mut last) = (0, 0);
        while let Some((length, _)) = whole(&out[at..]) {
            last = at;
            at += length;
        }
        if at > 0 {
            out[last + 5] |= LAST;
            out[last + 22..last + 26].fill(0);
            let sum = checksum(&out[last..]);
            out[last + 22..last + 26].copy_from_slice(&sum.to_le_bytes());
        }
        Ok(out)
    }

    fn page(&mut self, out: &mut Vec<u8>, packets: &[&[u8]], granule: u64) -> Result<(), String> {
        let flags = if self.pages == 0 { FIRST } else { 0 };
        put(out, (flags, granule, self.serial, self.pages), packets)?;
        self.pages = self.pages.wrapping_add(1);
        Ok(())
    }
}

/// Writes a page with these flags, granule, serial and number.
fn put(out: &mut Vec<u8>, head: (u8, u64, u32, u32), packets: &[&[u8]]) -> Result<(), String> {
    let (flags, granule, serial, number) = head;
    let begin = out.len();
    let mut table = Vec::with_capacity(SEGMENTS);
    for packet in packets {
        table.extend(std::iter::repeat_n(SEGMENT as u8, packet.len() / SEGMENT));
        table.push((packet.len() % SEGMENT) as u8);
    }
    let count = u8::try_from(table.len()).map_err(|_| {
        let bytes: usize = packets.iter().map(|packet| packet.len()).sum();
        format!("{bytes} bytes of an Ogg packet, limit {}", SEGMENT * SEGMENTS - 1)
    })?;
    out.extend_from_slice(b"OggS\0");
    out.push(flags);
    out.extend_from_slice(&granule.to_le_bytes());
    out.extend_from_slice(&serial.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.push(count);
    out.extend_from_slice(&table);
    packets.iter().for_each(|packet| out.extend_from_slice(packet));
    let sum = checksum(&out[begin..]);
    out[begin + 22..begin + 26].copy_from_slice(&sum.to_le_bytes());
    Ok(())
}

/// Writes a page as the `number`th of the stream `serial`.
pub fn write(out: &mut Vec<u8>, page: &Page, serial: u32, number: u32) -> Result<(), String> {
    let packets: Vec<&[u8]> = page.packets.iter().map(Vec::as_slice).collect();
    put(out, (page.flags, page.granule, serial, number), &packets)
}

/// The whole pages that `bytes` begins with, as this writer makes them: of whole packets.
pub fn read(bytes: &[u8]) -> Vec<Page> {
    let (mut pages, mut at) = (Vec::new(), 0);
    while let Some((page, length)) = page(&bytes[at..]) {
        pages.push(page);
        at += length;
    }
    pages
}

fn page(bytes: &[u8]) -> Option<(Page, usize)> {
    let count = usize::from(*bytes.get(26)?);
    let table = bytes.get(27..27 + count).filter(|_| bytes.starts_with(b"OggS"))?;
    let mut at = 27 + count;
    let (mut packets, mut packet) = (Vec::new(), Vec::new());
    for length in table {
        let length = usize::from(*length);
        packet.extend_from_slice(bytes.get(at..at + length)?);
        at += length;
        if length < SEGMENT {
            packets.push(std::mem::take(&mut packet));
        }
    }
    let granule = bytes.get(6..14)?.try_into().ok().map(u64::from_le_bytes)?;
    Some((Page { flags: *bytes.get(5)?, granule, packets }, at))
}

/// Length of the page that `bytes` begins with and the position at its end, where it is whole and
/// its checksum right.
pub fn whole(bytes: &[u8]) -> Option<(usize, u64)> {
    let header = bytes.get(..HEADER).filter(|header| header.starts_with(b"OggS\0"))?;
    let table = bytes.get(HEADER..HEADER + usize::from(header[26]))?;
    let sound: usize = table.iter().map(|entry| usize::from(*entry)).sum();
    let length = HEADER + table.len() + sound;
    let mut page = bytes.get(..length)?.to_vec();
    page[22..26].fill(0);
    let granule = u64::from_le_bytes(header[6..14].try_into().ok()?);
    let sum = u32::from_le_bytes(header[22..26].try_into().ok()?);
    (checksum(&page) == sum).then_some((length, granule))
}

/// Entries that a packet takes: its last one is always below 255.
fn segments(length: usize) -> usize {
    length / SEGMENT + 1
}

/// CRC-32 with the polynomial 0x04C11DB7, highest bit first, from zero, not inverted.
fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |sum, byte| (sum << 8) ^ TABLE[usize::from((sum >> 24) as u8 ^ byte)])
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut value = (at as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 0x8000_0000 == 0 { value << 1 } else { (value << 1) ^ 0x04C1_1DB7 };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
}

/// Lengths of the whole pages that `bytes` begins with.
#[cfg(test)]
pub fn pages(bytes: &[u8]) -> Vec<usize> {
    let (mut lengths, mut at) = (Vec::new(), 0);
    while bytes.len() >= at + 27 && &bytes[at..at + 4] == b"OggS" {
        let count = usize::from(bytes[at + 26]);
        let table = &bytes[at + 27..at + 27 + count];
        let length = 27 + count + table.iter().map(|n| usize::from(*n)).sum::<usize>();
        lengths.push(length);
        at += length;
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(lengths: &[usize]) -> Vec<Packet> {
        let packet = |(n, length): (usize, &usize)| Packet {
            bytes: vec![n as u8; *length],
            granule: (n as u64 + 1) * 960,
        };
        lengths.iter().enumerate().map(packet).collect()
    }

    #[test]
    fn a_page_is_as_the_rfc_lays_it_out() {
        let mut writer = Writer::new(7);
        let head = writer.head(&[b"first".to_vec(), b"second".to_vec()]).expect("fits");
        assert_eq!(pages(&head), [33, 34]);
        assert_eq!((head[5], head[33 + 5]), (FIRST, 0));
        assert_eq!(&head[..6], b"OggS\0\x02");
        assert_eq!(&head[28..33], b"first");
        let sound = writer.sound(&packets(&[255, 0, 3])).expect("fits");
        assert_eq!(sound[26..31], [4, 255, 0, 0, 3]);
        assert_eq!(sound[6..14], 2_880u64.to_le_bytes());
        assert_eq!(sound[18..22], 2u32.to_le_bytes());
    }

    #[test]
    fn packets_that_do_not_fit_one_page_go_on_to_the_next_and_none_is_cut() {
        let mut writer = Writer::new(1);
        let lengths = [200; 300];
        let sound = writer.sound(&packets(&lengths)).expect("fits");
        let found = pages(&sound);
        assert_eq!(found, [27 + 255 + 255 * 200, 27 + 45 + 45 * 200]);
        assert_eq!(sound[6..14], (255u64 * 960).to_le_bytes());
        let second = found[0];
        assert_eq!(sound[second + 6..second + 14], (300u64 * 960).to_le_bytes());
        assert_eq!(sound[second + 5], 0, "begins with a packet");
        let refused = writer.sound(&packets(&[10, 65_025])).expect_err("too large");
        assert!(refused.contains("65025") && refused.contains("65024"), "{refused}");
        assert!(writer.sound(&packets(&[65_024])).is_ok());
    }

    #[test]
    fn the_checksum_is_oggs_own() {
        // The check value of this CRC (width 32, polynomial 0x04C11DB7, nothing reflected).
        assert_eq!(checksum(b"123456789"), 0x89A1_897F);
    }
}
