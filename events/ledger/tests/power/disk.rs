//! A disk as power loss may leave it: what was synced, and any part of what was not.
//!
//! A sync of a file makes its bytes and length durable, a sync of a folder its entries; nothing
//! else does. What is not durable is kept or lost piece by piece, in any order: writes by sectors
//! of 512 bytes, lengths, and changes of entries, of which a rename is one.

use super::dice::Dice;
use super::record::{Kind, Op};
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const SECTOR: u64 = 512;
const ROOT: usize = 0;

#[derive(Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

#[derive(Default, Clone)]
struct File {
    now: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

type Entries = BTreeMap<OsString, usize>;

enum Node {
    File(File),
    Folder { now: Entries, durable: Entries },
}

/// Entries that change together: folder, name, and what it names then.
#[derive(Clone)]
struct Renaming(Vec<(usize, OsString, Option<usize>)>);

/// The files below one folder.
pub struct Disk {
    nodes: Vec<Node>,
    inodes: HashMap<u64, usize>,
    pending: Vec<Renaming>,
}

impl Disk {
    /// What is below `root` now, all of it durable.
    pub fn load(root: &Path) -> Self {
        let mut disk = Self { nodes: Vec::new(), inodes: HashMap::new(), pending: Vec::new() };
        disk.load_folder(root);
        disk
    }

    fn load_folder(&mut self, path: &Path) -> usize {
        let own = self.nodes.len();
        self.nodes.push(Node::Folder { now: Entries::new(), durable: Entries::new() });
        let mut entries = Entries::new();
        for entry in std::fs::read_dir(path).expect("lists") {
            let entry = entry.expect("lists");
            let node = if entry.file_type().expect("a type").is_dir() {
                self.load_folder(&entry.path())
            } else {
                let now = std::fs::read(entry.path()).expect("reads");
                let file = File { durable: now.clone(), now, pending: Vec::new() };
                self.nodes.push(Node::File(file));
                let inode = entry.metadata().expect("is there").ino();
                self.inodes.insert(inode, self.nodes.len() - 1);
                self.nodes.len() - 1
            };
            entries.insert(entry.file_name(), node);
        }
        self.nodes[own] = Node::Folder { now: entries.clone(), durable: entries };
        own
    }

    fn folder(&self, path: &Path) -> usize {
        let mut at = ROOT;
        for part in path {
            let Node::Folder { now, .. } = &self.nodes[at] else { panic!("not a folder") };
            at = *now.get(part).unwrap_or_else(|| panic!("{}: not there", path.display()));
        }
        at
    }

    /// Folder and name of a path.
    fn place(&self, path: &Path) -> (usize, OsString) {
        let name = path.file_name().expect("a name").to_owned();
        (self.folder(path.parent().unwrap_or(Path::new(""))), name)
    }

    fn entries(&mut self, node: usize) -> (&mut Entries, &mut Entries) {
        match &mut self.nodes[node] {
            Node::Folder { now, durable } => (now, durable),
            Node::File(_) => panic!("a file where a folder was expected"),
        }
    }

    fn file(&mut self, op: &Op) -> &mut File {
        let node = *self.inodes.get(&op.inode).unwrap_or_else(|| panic!("unknown file: {op:?}"));
        match &mut self.nodes[node] {
            Node::File(file) => file,
            Node::Folder { .. } => panic!("a folder where a file was expected"),
        }
    }

    fn change(&mut self, sets: Vec<(usize, OsString, Option<usize>)>) {
        for (folder, name, node) in &sets {
            set(self.entries(*folder).0, name, *node);
        }
        self.pending.push(Renaming(sets));
    }

    /// Does what was recorded.
    pub fn apply(&mut self, op: &Op) {
        match op.kind {
            Kind::Create | Kind::MakeDir => {
                let node = self.nodes.len();
                if op.kind == Kind::Create {
                    self.nodes.push(Node::File(File::default()));
                    self.inodes.insert(op.inode, node);
                } else {
                    let (now, durable) = Default::default();
                    self.nodes.push(Node::Folder { now, durable });
                }
                let (folder, name) = self.place(&op.path);
                self.change(vec![(folder, name, Some(node))]);
            }
            Kind::Write => {
                let (offset, after) = (op.number, op.after);
                let file = self.file(op);
                let end = offset + op.data.len() as u64;
                // It was lengthened in a way that has no record of its own, before this write.
                if after > end.max(file.now.len() as u64) {
                    file.take(Change::Length(after));
                }
                file.take(Change::Write(offset, op.data.clone()));
                assert_eq!(file.now.len() as u64, after, "{}", op.path.display());
            }
            Kind::Length => self.file(op).take(Change::Length(op.number)),
            Kind::Sync if self.inodes.contains_key(&op.inode) => {
                let file = self.file(op);
                if file.now.len() as u64 != op.after {
                    file.take(Change::Length(op.after));
                }
                file.pending.clear();
                file.durable.clone_from(&file.now);
            }
            Kind::Sync => self.sync_folder(&op.path),
            Kind::Rename => {
                let (from, to) = (self.place(&op.path), self.place(&op.to));
                let node = self.entries(from.0).0.get(&from.1).copied();
                assert!(node.is_some(), "{} is not there", op.path.display());
                self.change(vec![(from.0, from.1, None), (to.0, to.1, node)]);
            }
            Kind::Unlink | Kind::RemoveDir => {
                let (folder, name) = self.place(&op.path);
                self.change(vec![(folder, name, None)]);
            }
        }
    }

    fn sync_folder(&mut self, path: &Path) {
        let folder = self.folder(path);
        let touches = |change: &Renaming| change.0.iter().any(|(own, ..)| *own == folder);
        let (done, left) = std::mem::take(&mut self.pending).into_iter().partition(touches);
        let done: Vec<Renaming> = done;
        self.pending = left;
        for (folder, name, node) in done.into_iter().flat_map(|change| change.0) {
            set(self.entries(folder).1, &name, node);
        }
    }

    /// Writes to the empty folder `at` what a power loss now could leave; the dice decide.
    pub fn image(&self, dice: &mut Dice, at: &Path) {
        let mut folders: HashMap<usize, Entries> = HashMap::new();
        for (number, node) in self.nodes.iter().enumerate() {
            if let Node::Folder { durable, .. } = node {
                folders.insert(number, durable.clone());
            }
        }
        let luck = dice.luck();
        let mut kept: Vec<_> = self.pending.iter().filter(|_| dice.keeps(luck)).collect();
        if dice.one_in(4) {
            dice.shuffle(&mut kept);
        }
        for (folder, name, node) in kept.into_iter().flat_map(|change| &change.0) {
            set(folders.get_mut(folder).expect("a folder"), name, *node);
        }
        self.write_folder(&folders, ROOT, dice, at);
    }

    fn write_folder(
        &self,
        folders: &HashMap<usize, Entries>,
        own: usize,
        dice: &mut Dice,
        at: &Path,
    ) {
        for (name, node) in &folders[&own] {
            let path = at.join(name);
            match &self.nodes[*node] {
                Node::File(file) => std::fs::write(path, file.torn(dice)).expect("writes"),
                Node::Folder { .. } => {
                    std::fs::create_dir(&path).expect("makes");
                    self.write_folder(folders, *node, dice, &path);
                }
            }
        }
    }

    /// Whether the model is what is really below `root`: nothing escaped the recorder.
    pub fn check(&self, root: &Path, without: &str) {
        self.check_folder(ROOT, root, without);
    }

    fn check_folder(&self, own: usize, path: &Path, without: &str) {
        let Node::Folder { now, .. } = &self.nodes[own] else { panic!("not a folder") };
        let real: Vec<_> = std::fs::read_dir(path)
            .expect("lists")
            .map(|entry| entry.expect("lists").file_name())
            .filter(|name| name != without)
            .collect();
        let missing: Vec<_> = real.iter().filter(|name| !now.contains_key(*name)).collect();
        let gone = real.len() - missing.len() != now.len();
        assert!(missing.is_empty() && !gone, "{}: {real:?} and {now:?}", path.display());
        for (name, node) in now {
            let path = path.join(name);
            match &self.nodes[*node] {
                Node::Folder { .. } => self.check_folder(*node, &path, without),
                Node::File(file) => {
                    let real = std::fs::read(&path).expect("reads");
                    assert!(real == file.now, "{}: changed unrecorded", path.display());
                }
            }
        }
    }
}

fn set(entries: &mut Entries, name: &OsString, node: Option<usize>) {
    match node {
        Some(node) => entries.insert(name.clone(), node),
        None => entries.remove(name),
    };
}

impl File {
    fn take(&mut self, change: Change) {
        change.apply(&mut self.now);
        self.pending.push(change);
    }

    /// The durable bytes and some of what came after.
    fn torn(&self, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        let luck = dice.luck();
        let mut pieces = Vec::new();
        for change in &self.pending {
            match change {
                Change::Length(_) => pieces.push(change.clone()),
                Change::Write(offset, data) => {
                    // The new length may reach the disk before the data, which is zero until then.
                    pieces.push(Change::Length(offset + data.len() as u64));
                    pieces.extend(sectors(*offset, data));
                }
            }
        }
        let mut length = bytes.len() as u64;
        let mut kept: Vec<_> = pieces.into_iter().filter(|_| dice.keeps(luck)).collect();
        if dice.one_in(4) {
            dice.shuffle(&mut kept);
        }
        for change in kept {
            match change {
                // A write only lengthens; a length that was set may shorten too.
                Change::Length(new) if new < length && !self.shortens(new) => {}
                change => change.apply(&mut bytes),
            }
            length = bytes.len() as u64;
        }
        bytes
    }

    fn shortens(&self, to: u64) -> bool {
        self.pending.iter().any(|change| matches!(change, Change::Length(set) if *set == to))
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length as usize, 0),
            Self::Write(offset, data) => {
                let (start, end) = (*offset as usize, *offset as usize + data.len());
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[start..end].copy_from_slice(data);
            }
        }
    }
}

/// A write, cut where the disk's sectors meet.
fn sectors(offset: u64, data: &[u8]) -> Vec<Change> {
    let (mut pieces, mut at) = (Vec::new(), 0);
    while at < data.len() {
        let place = offset + at as u64;
        let room = (SECTOR - place % SECTOR) as usize;
        let end = data.len().min(at + room);
        pieces.push(Change::Write(place, data[at..end].to_vec()));
        at = end;
    }
    pieces
}
