//! Archives, told from other files by how they begin.

/// Whether a file that begins so is a tar archive, plain or packed with bzip2, gzip or xz.
pub(crate) fn is_archive(start: &[u8]) -> bool {
    let packed: [&[u8]; 3] = [b"BZh", b"\x1f\x8b\x08", b"\xfd7zXZ\x00"];
    packed.iter().any(|magic| start.starts_with(magic)) || is_tar(start)
}

/// Whether the checksum in a tar header is that of its 512 bytes, its own counted as spaces.
fn is_tar(start: &[u8]) -> bool {
    let (Some(header), Some(checksum)) = (start.get(..512), start.get(148..156)) else {
        return false;
    };
    let text = String::from_utf8_lossy(checksum);
    let expected = u32::from_str_radix(text.trim_matches(['\0', ' ']), 8);
    let sum = |bytes: &[u8]| bytes.iter().copied().map(u32::from).sum::<u32>();
    expected == Ok(sum(header) - sum(checksum) + 8 * u32::from(b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar_header() -> Vec<u8> {
        let mut header = vec![0; 512];
        header[..5].copy_from_slice(b"a.txt");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().copied().map(u32::from).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        header
    }

    #[test]
    fn archives_are_told_by_their_start() {
        let mut broken = tar_header();
        broken[0] = b'b';
        for (start, archive) in [
            (&b"BZh91AY"[..], true),
            (b"\x1f\x8b\x08\x00", true),
            (b"\xfd7zXZ\x00\x00", true),
            (&tar_header(), true),
            (&broken, false),
            (&[0; 512], false),
            (b"# syntax=x\nbase: y\n", false),
            (b"", false),
        ] {
            assert_eq!(is_archive(start), archive, "{start:?}");
        }
    }
}
