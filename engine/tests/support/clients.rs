//! The encoders that people have, each as it is used: where to, as whom, and what it plays.

use super::ffmpeg;
use super::live::Encoder;
use std::path::Path;

/// What fills a variable bitrate.
pub const NOISE: &str = "aeval=random(0)-0.5:c=same";

/// Where an encoder signs in, and the song that it tells.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Shoutcast's is the next.
    pub port: u16,
    /// For files of its own.
    pub dir: &'a Path,
    /// The mount's number, and that of the song.
    pub number: u8,
    /// Comes before the number in the password.
    pub secret: &'a str,
}

impl<'a> Desk<'a> {
    pub fn new(port: u16, dir: &'a Path, number: u8) -> Self {
        Self { port, dir, number, secret: "secret-" }
    }

    fn password(&self) -> String {
        format!("{}{}", self.secret, self.number)
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.dir.join(format!("{}-{}-{name}", self.port, self.number))
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.file(name), text).unwrap();
        self.file(name).to_string_lossy().into_owned()
    }

    /// `title` and `artist` as ffmpeg takes them.
    fn tags(&self) -> Vec<String> {
        let tags = [format!("title=Song {}", self.number), format!("artist=DJ {}", self.number)];
        tags.into_iter().flat_map(|tag| ["-metadata".to_owned(), tag]).collect()
    }

    /// Where ffmpeg is to send to.
    pub fn url(&self) -> String {
        let (n, port) = (self.number, self.port);
        format!("icecast://source:{}@127.0.0.1:{port}/mount-{n}", self.password())
    }

    /// ffmpeg in real time, with a tone.
    pub fn ffmpeg(&self, options: &[&str]) -> Encoder {
        let (tags, url) = (self.tags(), self.url());
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        Encoder::ffmpeg(500, &[options, &tags, &[&url]].concat())
    }

    /// GStreamer's: Shoutcast goes to the next port by itself.
    pub fn shout2send(&self, protocol: &str) -> Encoder {
        let n = self.number;
        let tags = format!(r#"tags="title=\"Song {n}\",artist=\"DJ {n}\"""#);
        let source = "audiotestsrc is-live=true freq=550 ! audio/x-raw,rate=44100,channels=2";
        let encode = "lamemp3enc bitrate=128 target=bitrate cbr=true";
        let send = format!("! {encode} ! {}", self.shout(protocol));
        let words = [source, "! taginject"].into_iter().flat_map(str::split_whitespace);
        let words: Vec<&str> =
            words.chain([tags.as_str()]).chain(send.split_whitespace()).collect();
        Encoder::start("gst-launch-1.0", &words)
    }

    /// The same element, for noise that it is told to be MP3.
    pub fn shout2send_noise(&self) -> Encoder {
        let noise = "fakesrc filltype=random sizetype=fixed sizemax=1000 num-buffers=1000";
        let line = format!("{noise} ! audio/mpeg,mpegversion=1,layer=3 ! {}", self.shout("http"));
        Encoder::start("gst-launch-1.0", &line.split_whitespace().collect::<Vec<_>>())
    }

    fn shout(&self, protocol: &str) -> String {
        let (n, port, password) = (self.number, self.port, self.password());
        format!(
            "shout2send ip=127.0.0.1 port={port} password={password} mount=/mount-{n} \
             protocol={protocol}"
        )
    }

    /// Liquidsoap with these outputs of a tone: `icecast` and `shoutcast`, each as one of them.
    pub fn liquidsoap(all: &[(Self, &str)]) -> Encoder {
        let (first, _) = all[0];
        let mut script = "settings.init.allow_root.set(true)\n".to_owned();
        for (desk, output) in all {
            let (n, port, password) = (desk.number, desk.port, desk.password());
            let mount =
                if *output == "icecast" { format!("mount=\"mount-{n}\", ") } else { String::new() };
            script += &format!(
                "s = insert_metadata(sine(523.))\n\
                 f = s.insert_metadata\n\
                 thread.run(delay=1., every=1., fun () -> \
                 f([(\"title\",\"Song {n}\"),(\"artist\",\"DJ {n}\")]))\n\
                 output.{output}(%mp3, fallible=true, host=\"127.0.0.1\", port={port}, \
                 password=\"{password}\", {mount}s)\n"
            );
        }
        Encoder::start("liquidsoap", &[&first.write("dj.liq", &script)])
    }

    /// Half a minute of sound, and a list that holds it.
    fn music(&self, codec: &[&str], name: &str) -> String {
        let (file, tags) = (self.file(name), self.tags());
        let source = ["-f", "lavfi", "-i", "sine=660:duration=30", "-ac", "2", "-af", NOISE];
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        ffmpeg(&[&source[..], codec, &tags].concat(), &file);
        format!("{}\n", file.display())
    }

    pub fn ezstream(&self) -> Encoder {
        let list = self.write("list.m3u", &self.music(&["-b:a", "128k"], "music.mp3"));
        let (n, port, password) = (self.number, self.port, self.password());
        let text = format!(
            "<ezstream><servers><server><hostname>127.0.0.1</hostname><port>{port}</port>\
             <password>{password}</password></server></servers><streams><stream>\
             <mountpoint>/mount-{n}</mountpoint><format>mp3</format></stream></streams>\
             <intakes><intake><type>playlist</type><filename>{list}</filename></intake></intakes>\
             </ezstream>"
        );
        Encoder::start("ezstream", &["-c", &self.write("ezstream.xml", &text)])
    }

    pub fn ices(&self) -> Encoder {
        // It plays none twice in a row.
        let two = ["a.ogg", "b.ogg"].map(|name| self.music(&["-c:a", "libvorbis"], name));
        let list = self.write("list.txt", &two.concat());
        let (n, port, password, logs) =
            (self.number, self.port, self.password(), self.dir.display());
        let text = format!(
            "<ices><background>0</background><logpath>{logs}</logpath><logfile>ices-{n}.log\
             </logfile><loglevel>2</loglevel><consolelog>0</consolelog><stream><metadata>\
             <name>x</name><genre>x</genre><description>x</description></metadata><input>\
             <module>playlist</module><param name=\"type\">basic</param>\
             <param name=\"file\">{list}</param><param name=\"random\">0</param>\
             <param name=\"once\">0</param></input><instance><hostname>127.0.0.1</hostname>\
             <port>{port}</port><password>{password}</password><mount>/mount-{n}</mount>\
             <reconnectdelay>1</reconnectdelay><reconnectattempts>5</reconnectattempts>\
             </instance></stream></ices>"
        );
        Encoder::start("ices2", &[&self.write("ices.xml", &text)])
    }

    /// Gets as far as the answer: it has no sound card here.
    pub fn darkice(&self) -> Encoder {
        let (n, port, password) = (self.number, self.port, self.password());
        let text = format!(
            "[general]\nduration = 5\nbufferSecs = 1\nreconnect = no\n[input]\ndevice = default\n\
             sampleRate = 44100\nbitsPerSample = 16\nchannel = 2\n[icecast2-0]\nformat = vorbis\n\
             bitrateMode = vbr\nquality = 0.4\nserver = 127.0.0.1\nport = {port}\n\
             password = {password}\nmountPoint = mount-{n}\n"
        );
        Encoder::start("darkice", &["-c", &self.write("darkice.cfg", &text)])
    }
}
