//! The seam to the disk: the real and the simulated one behave alike, and what the helpers promise holds through power cuts.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;

use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::disk::{self, Disk, OpenMode};
use tabellion_testkit::{Fault, SimDisk};

fn real() -> (tempfile::TempDir, RealDisk) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let disk = RealDisk::create(dir.path().join("a/data")).expect("a data directory");
    (dir, disk)
}

/// What the ledger relies on, asked of any disk.
fn behaves(disk: &dyn Disk) {
    let kind = |result: std::io::Result<()>| result.expect_err("this must be refused").kind();
    assert_eq!(disk.list("").expect("the root"), Vec::<String>::new(), "a new disk is empty");
    disk::create_dir_durably(disk, "log/segments").expect("directories");
    assert!(disk.exists("log/segments").expect("an answer"), "a directory that was made is not there");
    assert_eq!(
        kind(disk.list("nowhere").map(drop)),
        ErrorKind::NotFound,
        "a missing directory reads as an empty one"
    );
    assert_eq!(
        kind(disk.open("log/a", OpenMode::Read).map(drop)),
        ErrorKind::NotFound,
        "a missing file reads as an empty one"
    );
    for outside in ["/etc/passwd", "../a", "log/../../a"] {
        let refused = kind(disk.open(outside, OpenMode::Read).map(drop));
        assert_eq!(refused, ErrorKind::InvalidInput, "{outside} leads out of the data directory");
    }

    let file = disk.open("log/a", OpenMode::CreateNew).expect("a new file");
    let again = kind(disk.open("log/a", OpenMode::CreateNew).map(drop));
    assert_eq!(again, ErrorKind::AlreadyExists, "an existing file would be taken over");
    file.write_at(3, b"notary").expect("a write behind the end");
    assert_eq!(file.len().expect("a length"), 9, "the file does not end where the write did");
    let mut bytes = [0xff; 16];
    assert_eq!(file.read_at(0, &mut bytes).expect("a read"), 9, "a read at the end is short, not an error");
    assert_eq!(&bytes[..9], b"\0\0\0notary", "bytes are misplaced");
    assert_eq!(file.read_at(100, &mut bytes).expect("a read"), 0, "behind the end there is nothing");
    file.allocate(4096).expect("room");
    file.allocate(16).expect("less than there is");
    assert_eq!(
        file.len().expect("a length"),
        4096,
        "reserving space shortened the file or did not extend it"
    );
    disk::read_exact_at(file.as_ref(), 4000, &mut bytes).expect("reserved bytes can be read");
    assert_eq!(bytes, [0; 16], "reserved space reads as something");
    file.sync().expect("a sync");
    let short = disk::read_exact_at(file.as_ref(), 4090, &mut bytes);
    assert_eq!(kind(short), ErrorKind::UnexpectedEof, "a short read would pass for a whole one");
    assert_eq!(
        kind(disk::read_all(disk, "log/a", 4095).map(drop)),
        ErrorKind::FileTooLarge,
        "a file of any size would be read into memory"
    );
    let reader = disk.open("log/a", OpenMode::Read).expect("the file");
    assert!(reader.write_at(0, b"x").is_err(), "a file opened for reading can be changed");

    disk::write_file_durably(disk, "log/b", b"first").expect("a file");
    disk::write_file_durably(disk, "log/b", b"second").expect("another content");
    assert_eq!(
        disk::read_all(disk, "log/b", 100).expect("the file"),
        b"second",
        "the old content is still there"
    );
    disk.rename("log/b", "log/segments/c").expect("a rename");
    assert_eq!(
        disk.list("log").expect("names"),
        ["a"],
        "a rename leaves its old name, or directories are listed"
    );
    assert_eq!(disk.list("log/segments").expect("names"), ["c"], "a rename loses the file");
    disk.remove("log/a").expect("a removal");
    assert_eq!(
        kind(disk.remove("log/a")),
        ErrorKind::NotFound,
        "removing nothing passes for removing something"
    );
    disk.sync_dir("log").expect("a directory can be synced");
}

#[test]
fn the_real_and_the_simulated_disk_behave_alike() {
    behaves(&real().1);
    behaves(&SimDisk::new());
}

#[test]
fn only_the_owner_may_look_inside() {
    let (_dir, disk) = real();
    disk.create_dir_all("keys").expect("a directory");
    disk::write_file_durably(&disk, "keys/vault.key", b"secret").expect("a file");
    for (path, permissions) in [("", 0o700), ("keys", 0o700), ("keys/vault.key", 0o600)] {
        let mode = disk.root().join(path).metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, permissions, "others on this machine could read {path:?}");
    }
    RealDisk::open(disk.root()).expect("an existing directory opens");
    assert!(
        RealDisk::open(disk.root().join("keys/vault.key")).is_err(),
        "a file passes for a data directory"
    );
    assert!(
        RealDisk::open(disk.root().join("missing")).is_err(),
        "a missing directory passes for an empty one"
    );
}

/// A checkpoint or key file is replaced: every reader after any failure and power cut finds the old one or the new one, whole.
#[test]
fn a_replaced_file_is_the_old_or_the_new_one_whole() {
    let (old, new) = (vec![1; 3000], vec![2; 5000]);
    let (mut olds, mut news) = (0, 0);
    for fault in [Fault::Eio, Fault::NoSpace, Fault::PowerOff] {
        for k in 0..8 {
            for cut in 0..40 {
                let disk = SimDisk::new();
                disk::write_file_durably(&disk, "f", &old).expect("the old content");
                disk.fail_at(k, fault, cut);
                let done = disk::write_file_durably(&disk, "f", &new).is_ok();
                disk.crash(cut);
                let found = disk::read_all(&disk, "f", 1 << 20).expect("one of the two");
                assert!(
                    found == old || found == new,
                    "{fault:?} at {k}, cut {cut}: a mixture of {} bytes",
                    found.len()
                );
                assert!(!done || found == new, "{fault:?} at {k}, cut {cut}: a durable file went back");
                *if found == old { &mut olds } else { &mut news } += 1;
                disk::write_file_durably(&disk, "f", &new)
                    .expect("what a crash left behind is in nobody's way");
            }
        }
    }
    assert!(olds > 100 && news > 100, "both ends must happen: {olds} old, {news} new");
}
