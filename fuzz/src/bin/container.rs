//! The container of a package: one byte form, no climbing names, no bombs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_model::zip::{ZipArchive, ZipWriter};

fuzz_target!(|data: &[u8]| {
    let read = |data| {
        ZipArchive::parse(data).map_err(|_| ()).and_then(|zip: ZipArchive<'_>| {
            zip.files().iter().try_for_each(|file| file.check_crc()).map(|()| zip.clone()).map_err(|_| ())
        })
    };
    one_form(data, read, |zip| {
        let mut writer = ZipWriter::new(Vec::new());
        for file in zip.files() {
            writer.add(file.name, file.content).expect("a name that was read can be written");
        }
        writer.finish().expect("writing to memory")
    });
});
