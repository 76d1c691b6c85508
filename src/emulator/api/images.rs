//! Pictures and documents of nothing: real files of the size that is asked for.

use std::io::Write as _;

use flate2::Compression;
use flate2::Crc;
use flate2::write::ZlibEncoder;

/// A grey picture of 16 by 16 pixels.
pub(super) const JPEG: &[u8] = include_bytes!("picture.jpg");

/// The largest side of a picture; what is asked for beyond it is cut.
const LARGEST: usize = 10_000;

/// A white picture.
pub(super) fn png(width: usize, height: usize) -> Vec<u8> {
    let (width, height) = (width.clamp(1, LARGEST), height.clamp(1, LARGEST));
    let mut head = Vec::new();
    for side in [width, height] {
        head.extend(u32::try_from(side).unwrap_or(1).to_be_bytes());
    }
    // One bit a pixel, shades of grey, nothing special.
    head.extend([1, 0, 0, 0, 0]);
    // First how the row was filtered: not at all.
    let mut row = vec![0];
    row.extend(vec![0xff; width.div_ceil(8)]);
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..height {
        // Writing into memory cannot fail.
        drop(pixels.write_all(&row));
    }
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut file, *b"IHDR", &head);
    chunk(&mut file, *b"IDAT", &pixels.finish().unwrap_or_default());
    chunk(&mut file, *b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let mut sum = Crc::new();
    sum.update(&kind);
    sum.update(data);
    file.extend(u32::try_from(data.len()).unwrap_or(0).to_be_bytes());
    file.extend(kind);
    file.extend(data);
    file.extend(sum.sum().to_be_bytes());
}

/// A document of one empty page.
pub(super) fn pdf(width: usize, height: usize) -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] >>"),
    ];
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut table = b"0000000000 65535 f \n".to_vec();
    // Writing into memory cannot fail.
    for (number, object) in (1..).zip(&objects) {
        drop(writeln!(table, "{:010} 00000 n ", file.len()));
        drop(writeln!(file, "{number} 0 obj\n{object}\nendobj"));
    }
    let (start, count) = (file.len(), objects.len() + 1);
    drop(writeln!(file, "xref\n0 {count}"));
    file.extend(table);
    let end = format!("trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    file.extend(end.into_bytes());
    file
}

/// A drawing of an empty rectangle.
pub(super) fn svg(width: usize, height: usize) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" \
         height=\"{height}\"><rect width=\"{width}\" height=\"{height}\" fill=\"#eee\"/></svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{pdf, png};

    #[test]
    fn a_picture_has_the_size_and_the_sums_that_its_format_wants() {
        let file = png(640, 3);

        assert_eq!(file[..8], *b"\x89PNG\r\n\x1a\n");
        assert_eq!(file[16..24], [0, 0, 2, 128, 0, 0, 0, 3]);
        // The sum of an empty last chunk is the same in every such file.
        assert_eq!(file[file.len() - 4..], [0xae, 0x42, 0x60, 0x82]);
    }

    #[test]
    fn a_document_says_where_its_parts_are() {
        let text = String::from_utf8(pdf(10, 20)).unwrap();
        let start: usize = text.lines().rev().nth(1).unwrap().parse().unwrap();

        assert!(text[start..].starts_with("xref"));
        let first: usize = text[start..].lines().nth(3).unwrap()[..10].parse().unwrap();
        assert!(text[first..].starts_with("1 0 obj"));
    }
}
