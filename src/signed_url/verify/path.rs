//! The path of a signed URL: `/login/embed/` and the embed path, percent-encoded.

use crate::signed_url::verify::Rejection;

/// Where Looker accepts signed logins.
const LOGIN: &str = "/login/embed/";

/// The page to open, decoded. The raw path must be the output of an encoder with upper-case hex, because it is signed as it
/// is, and Looker answers 404 for `%2f`.
pub(in crate::signed_url) fn embed_path(raw_path: &str) -> Result<String, Rejection> {
    let encoded = raw_path.strip_prefix(LOGIN).ok_or(Rejection::Path)?;
    if encoded.is_empty() {
        return Err(Rejection::Path);
    }
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let (Some(high), Some(low)) = (bytes.next(), bytes.next()) else {
                    return Err(Rejection::Path);
                };
                decoded.push(digit(high)? << 4 | digit(low)?);
            }
            _ if may_stand(byte) => decoded.push(byte),
            _ => return Err(Rejection::Path),
        }
    }
    String::from_utf8(decoded).map_err(|_not_text| Rejection::Path)
}

fn digit(byte: u8) -> Result<u8, Rejection> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        b'a'..=b'f' => Err(Rejection::LowercasePath),
        _ => Err(Rejection::Path),
    }
}

/// Whether a byte may appear unencoded in a path segment: `pchar` of RFC 3986. Published signers leave different subsets of
/// it unencoded, and write `+` for a space.
fn may_stand(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test should stop at once")]
mod tests {
    use super::embed_path;
    use crate::signed_url::verify::Rejection;

    #[test]
    fn the_embed_path_is_decoded() {
        let path = embed_path("/login/embed/%2Fembed%2Fdashboards%2F3%3Fa%3Db+c%2525").unwrap();

        assert_eq!(path, "/embed/dashboards/3?a=b+c%25");
    }

    #[test]
    fn lower_case_hex_is_told_from_other_mistakes() {
        for (path, rejection) in [
            ("/login/embed/%2fembed", Rejection::LowercasePath),
            ("/login/embed/%C3%bcembed", Rejection::LowercasePath),
            ("/login/embed//embed/dashboards/3", Rejection::Path),
            ("/login/embed/", Rejection::Path),
            ("/login/embed", Rejection::Path),
            ("/embed/dashboards/3", Rejection::Path),
            ("/login/embed/%2", Rejection::Path),
            ("/login/embed/%2G", Rejection::Path),
            ("/login/embed/%FF", Rejection::Path),
            ("/login/embed/ü", Rejection::Path),
            ("/login/embed/a b", Rejection::Path),
        ] {
            assert_eq!(embed_path(path), Err(rejection), "{path}");
        }
    }
}
