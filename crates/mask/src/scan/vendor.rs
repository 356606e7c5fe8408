//! Keys that say who issued them: published prefixes, and how long what follows is.

/// Characters behind a prefix.
#[derive(Clone, Copy)]
pub(crate) enum Alphabet {
    Hex,
    /// `A` to `Z` and digits.
    Upper,
    /// Letters and digits.
    Plain,
    /// Those, `_` and `-`.
    Url,
    /// Those and dots.
    Dotted,
}

impl Alphabet {
    pub(crate) fn has(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Plain => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
        }
    }
}

/// One kind of key.
pub(crate) struct Vendor {
    pub(crate) prefix: &'static str,
    pub(crate) alphabet: Alphabet,
    pub(crate) shortest: usize,
    pub(crate) longest: usize,
}

const fn vendor(prefix: &'static str, alphabet: Alphabet, shortest: usize, longest: usize) -> Vendor {
    Vendor { prefix, alphabet, shortest, longest }
}

/// Longer prefixes before those that they begin with.
pub(crate) const VENDORS: [Vendor; 62] = [
    vendor("AKIA", Alphabet::Upper, 16, 16), // Amazon Web Services
    vendor("ASIA", Alphabet::Upper, 16, 16),
    vendor("ABIA", Alphabet::Upper, 16, 16),
    vendor("ACCA", Alphabet::Upper, 16, 16),
    vendor("AIza", Alphabet::Url, 35, 35), // Google
    vendor("GOCSPX-", Alphabet::Url, 24, 40),
    vendor("ya29.", Alphabet::Url, 20, 240),
    vendor("github_pat_", Alphabet::Url, 36, 90), // GitHub
    vendor("ghp_", Alphabet::Plain, 30, 251),
    vendor("gho_", Alphabet::Plain, 30, 251),
    vendor("ghu_", Alphabet::Plain, 30, 251),
    vendor("ghs_", Alphabet::Plain, 30, 251),
    vendor("ghr_", Alphabet::Plain, 30, 251),
    vendor("glpat-", Alphabet::Dotted, 20, 60), // GitLab
    vendor("glptt-", Alphabet::Url, 20, 60),
    vendor("gldt-", Alphabet::Url, 20, 60),
    vendor("glrt-", Alphabet::Url, 20, 60),
    vendor("xoxb-", Alphabet::Url, 16, 200), // Slack
    vendor("xoxp-", Alphabet::Url, 16, 200),
    vendor("xoxa-", Alphabet::Url, 16, 200),
    vendor("xoxr-", Alphabet::Url, 16, 200),
    vendor("xoxs-", Alphabet::Url, 16, 200),
    vendor("xapp-", Alphabet::Url, 16, 200),
    vendor("sk_live_", Alphabet::Plain, 16, 200), // Stripe
    vendor("sk_test_", Alphabet::Plain, 16, 200),
    vendor("rk_live_", Alphabet::Plain, 16, 200),
    vendor("rk_test_", Alphabet::Plain, 16, 200),
    vendor("whsec_", Alphabet::Plain, 24, 80),
    vendor("sk-ant-", Alphabet::Url, 24, 220),  // Anthropic
    vendor("sk-proj-", Alphabet::Url, 24, 220), // OpenAI
    vendor("sk-svcacct-", Alphabet::Url, 24, 220),
    vendor("sk-or-v1-", Alphabet::Hex, 40, 80),
    vendor("sk-", Alphabet::Plain, 32, 64),
    vendor("gsk_", Alphabet::Plain, 40, 64),
    vendor("hf_", Alphabet::Plain, 30, 40),
    vendor("r8_", Alphabet::Plain, 30, 40),
    vendor("pplx-", Alphabet::Plain, 40, 60),
    vendor("npm_", Alphabet::Plain, 36, 36), // package registries
    vendor("pypi-", Alphabet::Url, 50, 240),
    vendor("rubygems_", Alphabet::Hex, 48, 48),
    vendor("dckr_pat_", Alphabet::Url, 24, 40),
    vendor("SG.", Alphabet::Dotted, 60, 70), // SendGrid
    vendor("xkeysib-", Alphabet::Url, 64, 90),
    vendor("AC", Alphabet::Hex, 32, 32), // Twilio
    vendor("SK", Alphabet::Hex, 32, 32),
    vendor("shpat_", Alphabet::Hex, 32, 32), // Shopify
    vendor("shpss_", Alphabet::Hex, 32, 32),
    vendor("shpca_", Alphabet::Hex, 32, 32),
    vendor("dop_v1_", Alphabet::Hex, 64, 64), // DigitalOcean
    vendor("doo_v1_", Alphabet::Hex, 64, 64),
    vendor("hvs.", Alphabet::Url, 24, 200), // HashiCorp Vault
    vendor("hvb.", Alphabet::Url, 24, 200),
    vendor("ATATT3", Alphabet::Url, 50, 220), // Atlassian
    vendor("lin_api_", Alphabet::Plain, 32, 48),
    vendor("glsa_", Alphabet::Url, 32, 60), // Grafana
    vendor("sntrys_", Alphabet::Url, 40, 220),
    vendor("PMAK-", Alphabet::Url, 50, 70),
    vendor("sq0atp-", Alphabet::Url, 22, 22), // Square
    vendor("sq0csp-", Alphabet::Url, 43, 43),
    vendor("EAAA", Alphabet::Url, 56, 64),
    vendor("dapi", Alphabet::Hex, 32, 32), // Databricks
    vendor("AGE-SECRET-KEY-1", Alphabet::Upper, 58, 58),
];
