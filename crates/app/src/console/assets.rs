//! What pages load: style sheet, scripts and mark, in the program itself.
//!
//! Promises: an asset's address holds the beginning of its SHA-256, so that it can be kept for good and never be an old one. Must never: name
//! anything from another host.

use std::sync::LazyLock;

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
    Asset { href: format!("/assets/{name}.{digest}.{extension}"), media, bytes }
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
