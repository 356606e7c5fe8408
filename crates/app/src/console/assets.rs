//! What pages load: style sheet, scripts and mark, in the program itself.
//!
//! Promises: an asset's address holds the beginning of its SHA-256, so that it can be kept for good and never be an old one. Must never: name
//! anything from another host.

use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use tabellion_tlog::sha256;

/// Digits of the SHA-256 in an address: 64 bits, for a handful of files.
const DIGITS: usize = 16;

/// One file.
pub(crate) struct Asset {
    /// Its address.
    pub(crate) href: String,
    /// Its media type.
    pub(crate) media: &'static str,
    /// Its bytes.
    pub(crate) bytes: &'static [u8],
    /// The same by gzip (RFC 1952): a third of them.
    pub(crate) packed: Vec<u8>,
}

/// All files by what they are for.
pub(crate) struct Assets {
    /// The style sheet.
    pub(crate) style: Asset,
    /// Our script: keyboard, palette, columns, theme.
    pub(crate) script: Asset,
    /// Our script for forms: drafts, and what is picked from lists.
    pub(crate) writing: Asset,
    /// What has to run before the first paint.
    pub(crate) early: Asset,
    /// htmx.
    pub(crate) htmx: Asset,
    /// The verifier of receipts, loaded when a proof is to be checked.
    pub(crate) proof: Asset,
    /// The mark.
    pub(crate) mark: Asset,
    /// What pages with a chart load besides: uPlot, our drawing, and the style sheet of both.
    pub(crate) charts: ChartAssets,
}

/// What pages with a chart load.
pub(crate) struct ChartAssets {
    /// uPlot, with its licence before it.
    pub(crate) library: Asset,
    /// Our drawing.
    pub(crate) script: Asset,
    /// The style sheet of both.
    pub(crate) style: Asset,
}

/// The files.
pub(crate) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: asset(
        "console",
        "css",
        "text/css; charset=utf-8",
        dense(concat!(
            include_str!("../../assets/console/console.css"),
            include_str!("../../assets/console/registers.css")
        )),
    ),
    script: asset("console", "js", SCRIPT, include_bytes!("../../assets/console/console.js")),
    writing: asset("writing", "js", SCRIPT, include_bytes!("../../assets/console/writing.js")),
    early: asset("early", "js", SCRIPT, include_bytes!("../../assets/console/early.js")),
    htmx: asset("htmx", "js", SCRIPT, include_bytes!("../../assets/console/htmx.min.js")),
    proof: asset("proof", "js", SCRIPT, include_bytes!("../../assets/console/proof.js")),
    mark: asset("mark", "svg", "image/svg+xml", include_bytes!("../../assets/console/mark.svg")),
    charts: ChartAssets {
        library: asset(
            "uplot",
            "js",
            SCRIPT,
            concat!(
                "/*\n",
                include_str!("../../assets/console/uplot.LICENSE"),
                "*/\n",
                include_str!("../../assets/console/uplot.min.js")
            )
            .as_bytes(),
        ),
        script: asset("charts", "js", SCRIPT, include_bytes!("../../assets/console/charts.js")),
        style: asset(
            "charts",
            "css",
            "text/css; charset=utf-8",
            concat!(
                include_str!("../../assets/console/uplot.min.css"),
                "\n",
                include_str!("../../assets/console/charts.css")
            )
            .as_bytes(),
        ),
    },
});

const SCRIPT: &str = "text/javascript; charset=utf-8";

fn asset(name: &str, extension: &str, media: &'static str, bytes: &'static [u8]) -> Asset {
    let digest = sha256(bytes).to_hex();
    let digest: String = digest.chars().take(DIGITS).collect();
    Asset { href: format!("/assets/{name}.{digest}.{extension}"), media, bytes, packed: packed(bytes) }
}

/// By gzip, as small as it gets: made once, sent often. It holds nothing of a visitor's that a length could tell.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    // Nothing fails in memory; an asset without a packed form is sent as it is.
    packer.write_all(bytes).and_then(|()| packer.finish()).unwrap_or_default()
}

/// Our style sheet without its comments, indents and line breaks: every page loads it. None of our strings holds what begins a comment.
fn dense(sheet: &str) -> &'static [u8] {
    let mut dense = String::with_capacity(sheet.len());
    let mut parts = sheet.split("/*");
    let said = parts
        .next()
        .into_iter()
        .chain(parts.map(|part| part.split_once("*/").map_or("", |(_, after)| after)));
    for line in said.collect::<String>().lines().map(str::trim).filter(|line| !line.is_empty()) {
        dense.push_str(line);
        // What goes on in the next line is parted from it by a blank.
        if !line.ends_with(['{', '}', ';', ',']) {
            dense.push(' ');
        }
    }
    // Made once for as long as the program runs.
    String::leak(dense).as_bytes()
}

impl Asset {
    /// What is sent to a browser that says in `accept-encoding` what it takes, and its `content-encoding`.
    pub(crate) fn sent(&self, accepted: Option<&str>) -> (&[u8], Option<&'static str>) {
        if !self.packed.is_empty() && accepted.is_some_and(takes_gzip) {
            (&self.packed, Some("gzip"))
        } else {
            (self.bytes, None)
        }
    }
}

/// Whether gzip is among the codings named (RFC 9110, 12.5.3) and is not given no weight.
fn takes_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        name.trim().eq_ignore_ascii_case("gzip") && weight.parse::<f32>().is_ok_and(|weight| weight > 0.0)
    })
}

impl Assets {
    /// The file of an address.
    pub(crate) fn find(&self, path: &str) -> Option<&Asset> {
        let charts = [&self.charts.library, &self.charts.script, &self.charts.style];
        [&self.style, &self.script, &self.writing, &self.early, &self.htmx, &self.proof, &self.mark]
            .into_iter()
            .chain(charts)
            .find(|asset| asset.href == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_packed_form_only_if_it_takes_it() {
        for (accepted, coding) in [
            (Some("gzip, deflate, br, zstd"), Some("gzip")),
            (Some("br;q=1.0, GZIP;q=0.5"), Some("gzip")),
            (Some("gzip;q=0, identity"), None),
            (Some("gzipped"), None),
            (Some("gzip;q=x"), None),
            (Some("*"), None),
            (None, None),
        ] {
            let (sent, said) = ASSETS.proof.sent(accepted);
            assert_eq!(said, coding, "{accepted:?}");
            assert_eq!(
                sent.starts_with(&[0x1f, 0x8b]),
                coding.is_some(),
                "{accepted:?}: not what it is said to be"
            );
        }
        let mut read = Vec::new();
        let packed = ASSETS.proof.packed.as_slice();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed), &mut read).expect("gzip");
        assert!(read == ASSETS.proof.bytes, "a browser would run something else");
    }

    #[test]
    fn a_dense_sheet_says_what_the_sheet_says() {
        let sheet = "/* why */\na:hover,\nb {\n  color: red;\n  font: 1px\n    serif; /* x */\n}\n\n";
        assert_eq!(dense(sheet), b"a:hover,b {color: red;font: 1px serif;}");
    }

    #[test]
    fn what_others_wrote_is_what_its_row_says() {
        let readme = include_str!("../../assets/console/README.md");
        let files: [(&str, &[u8]); 3] = [
            ("htmx", include_bytes!("../../assets/console/htmx.min.js")),
            ("uPlot", include_bytes!("../../assets/console/uplot.min.js")),
            ("uPlot's style sheet", include_bytes!("../../assets/console/uplot.min.css")),
        ];
        for (name, bytes) in files {
            let digest = sha256(bytes).to_hex();
            assert!(
                readme.contains(&digest),
                "the {name} that is served is not the one that was reviewed: {digest}"
            );
        }
    }
}
