//! Requests with their signatures, as AWS publishes them ("AWS Signature Version 4 test suite", in the edition of aws-c-auth, Apache-2.0): key `AKIDEXAMPLE`, region `us-east-1`, service `service`, 2015-08-30 12:36:00 UTC.
//! What is of S3 alone is left out: paths that are not normalised. So is a header that comes twice, which no request of ours has.

use super::signature::{Scope, Signed};

/// What botocore 1.44.5 computes of the request of the test in `aws.rs`.
pub(super) const OF_BOTOCORE: &str = "1fc860bea6049e871d7be791ad1f6e132127803875879b6dff187bcd17c48efd";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

struct Vector {
    name: &'static str,
    method: &'static str,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    signature: &'static str,
}

const VECTORS: &[Vector] = &[
    Vector {
        name: "get-header-value-multiline",
        method: "GET",
        target: "/",
        headers: &[
            ("host", "example.amazonaws.com"),
            ("my-header1", "value1 \tvalue2 \tvalue3"),
            ("x-amz-date", "20150830T123600Z"),
        ],
        body: "",
        signature: "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd",
    },
    Vector {
        name: "get-header-value-trim",
        method: "GET",
        target: "/",
        headers: &[
            ("host", "example.amazonaws.com"),
            ("my-header1", " value1"),
            ("my-header2", " \"a   b   c\""),
            ("x-amz-date", "20150830T123600Z"),
        ],
        body: "",
        signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    },
    Vector {
        name: "get-relative",
        method: "GET",
        target: "/example/..",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    },
    Vector {
        name: "get-relative-relative",
        method: "GET",
        target: "/example1/example2/../..",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    },
    Vector {
        name: "get-slash-dot-slash",
        method: "GET",
        target: "/./",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    },
    Vector {
        name: "get-slash",
        method: "GET",
        target: "//",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    },
    Vector {
        name: "get-slash-pointless-dot",
        method: "GET",
        target: "/./example",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
    },
    Vector {
        name: "get-slashes",
        method: "GET",
        target: "//example//",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
    },
    Vector {
        name: "get-space",
        method: "GET",
        target: "/example space/",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
    },
    Vector {
        name: "get-unreserved",
        method: "GET",
        target: "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    },
    Vector {
        name: "get-utf8",
        method: "GET",
        target: "/ሴ",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    },
    Vector {
        name: "get-vanilla",
        method: "GET",
        target: "/",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    },
    Vector {
        name: "get-vanilla-empty-query-key",
        method: "GET",
        target: "/?Param1=value1",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    },
    Vector {
        name: "get-vanilla-query",
        method: "GET",
        target: "/",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    },
    Vector {
        name: "get-vanilla-query-order-encoded",
        method: "GET",
        target: "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
    },
    Vector {
        name: "get-vanilla-query-order-key-case",
        method: "GET",
        target: "/?Param2=value2&Param1=value1",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    },
    Vector {
        name: "get-vanilla-query-unreserved",
        method: "GET",
        target: "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    },
    Vector {
        name: "get-vanilla-utf8-query",
        method: "GET",
        target: "/?ሴ=bar",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    },
    Vector {
        name: "get-vanilla-with-session-token",
        method: "GET",
        target: "/",
        headers: &[
            ("host", "example.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
            ("x-amz-security-token", "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"),
        ],
        body: "",
        signature: "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
    },
    Vector {
        name: "post-header-key-case",
        method: "POST",
        target: "/",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    },
    Vector {
        name: "post-header-key-sort",
        method: "POST",
        target: "/",
        headers: &[
            ("host", "example.amazonaws.com"),
            ("my-header1", "value1"),
            ("x-amz-date", "20150830T123600Z"),
        ],
        body: "",
        signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    },
    Vector {
        name: "post-header-value-case",
        method: "POST",
        target: "/",
        headers: &[
            ("host", "example.amazonaws.com"),
            ("my-header1", "VALUE1"),
            ("x-amz-date", "20150830T123600Z"),
        ],
        body: "",
        signature: "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    },
    Vector {
        name: "post-sts-header-after",
        method: "POST",
        target: "/",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    },
    Vector {
        name: "post-sts-header-before",
        method: "POST",
        target: "/",
        headers: &[
            ("host", "example.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
            (
                "x-amz-security-token",
                "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==",
            ),
        ],
        body: "",
        signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    },
    Vector {
        name: "post-vanilla",
        method: "POST",
        target: "/",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    },
    Vector {
        name: "post-vanilla-empty-query-value",
        method: "POST",
        target: "/?Param1=value1",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    },
    Vector {
        name: "post-vanilla-query",
        method: "POST",
        target: "/?Param1=value1",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        body: "",
        signature: "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    },
    Vector {
        name: "post-x-www-form-urlencoded",
        method: "POST",
        target: "/",
        headers: &[
            ("content-length", "13"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("host", "example.amazonaws.com"),
            ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
            ("x-amz-date", "20150830T123600Z"),
        ],
        body: "Param1=value1",
        signature: "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
    },
    Vector {
        name: "post-x-www-form-urlencoded-parameters",
        method: "POST",
        target: "/",
        headers: &[
            ("content-length", "13"),
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "example.amazonaws.com"),
            ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
            ("x-amz-date", "20150830T123600Z"),
        ],
        body: "Param1=value1",
        signature: "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
    },
];

/// Requirement: N22. A signature that AWS would not compute is a call that it refuses.
#[test]
fn the_vectors_of_aws_are_signed_as_aws_signs_them() {
    for vector in VECTORS {
        let (path, query) = vector.target.split_once('?').unwrap_or((vector.target, ""));
        let headers = vector.headers;
        let request = Signed { method: vector.method, path, query, headers, payload: vector.body.as_bytes() };
        let scope = Scope { time: "20150830T123600Z", region: "us-east-1", service: "service" };
        let got = scope.sign(&request, SECRET);
        assert_eq!(got, vector.signature, "{}: AWS would refuse it:\n{}", vector.name, request.canonical());
    }
}

/// Requirement: N22. Escapes in a path are escaped once more: the two vectors of the suite that say so have no signature, so the form itself is compared.
#[test]
fn escapes_of_a_path_are_signed_escaped() {
    for (path, due) in [
        (
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-west-2%3A892717189312%3Afunction%3Amy-rusty-fun/invocations",
            "/2015-03-31/functions/arn%253Aaws%253Alambda%253Aus-west-2%253A892717189312%253Afunction%253Amy-rusty-fun/invocations",
        ),
        ("/test/@connections/JBDvjfGEIAMCERw%3D", "/test/%40connections/JBDvjfGEIAMCERw%253D"),
    ] {
        let request = Signed { method: "POST", path, query: "", headers: &[], payload: b"" };
        assert_eq!(request.canonical().lines().nth(1), Some(due), "{path}");
    }
}
