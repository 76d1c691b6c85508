//! Reading a body up to a limit.

use reqwest::Response;
use zeroize::Zeroizing;

/// The largest body that is read, in bytes after decompression.
pub(crate) const LIMIT: usize = 32 * 1024 * 1024;

/// Why a body could not be read in full.
pub(crate) enum Unread {
    /// It is larger than [`LIMIT`].
    TooLarge,
    /// It broke off, or could not be decompressed.
    Broken(reqwest::Error),
}

/// Read the body of `response`, at most [`LIMIT`] bytes of it.
pub(crate) async fn read(mut response: Response) -> Result<Zeroizing<Vec<u8>>, Unread> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(Unread::Broken)? {
        // Checked before the chunk is kept, so that a decompression bomb cannot fill the memory.
        if body.len() + chunk.len() > LIMIT {
            return Err(Unread::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
