//! AWS Signature Version 4 of a request without a query.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::secret::{ExposeSecret as _, SecretString};

/// What is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// Names in lower case, with their values; `host` and `x-amz-date` are among them.
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) at: Timestamp,
}

/// A time as `x-amz-date` has it.
pub(super) fn date(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

impl Signed<'_> {
    /// The header `authorization` for it.
    pub(super) fn authorization(&self, key_id: &str, secret_key: &SecretString) -> String {
        let date = date(self.at);
        let day = date.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let (request, names) = self.canonical();
        let digest = hex(&Sha256::digest(request));
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}");
        let first = Zeroizing::new(format!("AWS4{}", secret_key.expose_secret()));
        let mut key = Zeroizing::new(first.as_bytes().to_vec());
        for part in [day, self.region, self.service, "aws4_request"] {
            key = Zeroizing::new(hmac(&key, part));
        }
        let signature = hex(&hmac(&key, &to_sign));
        format!(
            "AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
    }

    /// The request in the form that is signed, and the names of its headers.
    fn canonical(&self) -> (String, String) {
        let mut headers = self.headers.to_vec();
        headers.sort_unstable();
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines = headers.iter().map(|(name, value)| {
            let words: Vec<_> = value.split_ascii_whitespace().collect();
            format!("{name}:{}\n", words.join(" "))
        });
        let (method, path, lines) = (self.method, self.path, lines.collect::<String>());
        let body = hex(&Sha256::digest(self.body));
        let request = format!("{method}\n{path}\n\n{lines}\n{names}\n{body}");
        (request, names)
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Bytes as text.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Signed, date};
    use crate::secret::SecretString;

    /// The signature of a request with the key, place and time of AWS's published test suite.
    fn signature(method: &str, more: &[(&str, &str)], body: &[u8]) -> String {
        let at = "2015-08-30T12:36:00Z".parse().unwrap();
        let date = date(at);
        let mut headers = vec![
            ("host", "example.amazonaws.com"),
            ("x-amz-date", date.as_str()),
        ];
        headers.extend(more);
        let signed = Signed {
            method,
            path: "/",
            headers: &headers,
            body,
            region: "us-east-1",
            service: "service",
            at,
        };
        let secret = SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let header = signed.authorization("AKIDEXAMPLE", &secret);
        let before = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=";
        assert!(header.starts_with(before), "{header}");
        header.rsplit('=').next().unwrap().to_owned()
    }

    #[test]
    fn requests_of_the_published_test_suite_have_its_signatures() {
        for (method, more, body, expected) in [
            // get-vanilla
            (
                "GET",
                &[][..],
                "",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            // post-vanilla
            (
                "POST",
                &[],
                "",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            // get-header-key-duplicate
            (
                "GET",
                &[("my-header1", "value2,value2,value1")],
                "",
                "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
            ),
            // get-header-value-multiline
            (
                "GET",
                &[("my-header1", "value1,value2,value3")],
                "",
                "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790",
            ),
            // post-x-www-form-urlencoded
            (
                "POST",
                &[("content-type", "application/x-www-form-urlencoded")],
                "Param1=value1",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
        ] {
            assert_eq!(signature(method, more, body.as_bytes()), expected);
        }
    }
}
