//! One file into the cache: resumed where it was left, checked to the last byte.

use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, RANGE};

use crate::digest::Running;
use crate::http::Http;
use crate::patience::{Failure, Patience};
use crate::request::File;

/// How often a file is fetched anew because its bytes are wrong.
const WRONG: usize = 2;

/// A file in the cache, whole and right.
#[derive(Debug)]
pub struct Staged {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its checksum: of the kind that was asked for, or SHA-256; hexadecimal digits.
    pub checksum: String,
    /// Whether another build would know it by its name: not a second one, of a download at the same
    /// time, and not one that nothing says the checksum of.
    pub is_known: bool,
    /// Held as long as nobody else may write to it.
    _file: fs::File,
}

/// A file in the cache, while it grows.
struct Partial<'a> {
    file: fs::File,
    path: PathBuf,
    is_known: bool,
    asked: &'a File,
    size: u64,
    digest: Running,
    /// Whether no more bytes are to come.
    is_whole: bool,
    arrived: &'a AtomicU64,
}

/// Downloads `asked`; `arrived` counts the bytes that come.
pub async fn download(
    http: &Http<'_>,
    asked: &File,
    cache: &Path,
    arrived: &AtomicU64,
) -> Result<Staged> {
    let mut partial = Partial::open(asked, cache, arrived)?;
    let mut patience = Patience::default();
    let mut wrong = 0;
    loop {
        let before = partial.size;
        if !partial.is_whole
            && let Err(failure) = partial.grow(http).await
        {
            if partial.size > before {
                patience.renew();
            }
            patience.wait(failure).await?;
            continue;
        }
        match partial.wrong() {
            None => return Ok(partial.staged()),
            Some(what) if wrong == WRONG => bail!(what),
            Some(what) => {
                wrong += 1;
                eprintln!("{what}; fetching it again");
                partial.restart()?;
            }
        }
    }
}

impl Staged {
    /// Takes it out of the cache.
    pub fn remove(self) -> io::Result<()> {
        fs::remove_file(self.path)
    }
}

impl<'a> Partial<'a> {
    /// What an earlier attempt has left of it.
    fn open(asked: &'a File, cache: &Path, arrived: &'a AtomicU64) -> Result<Self> {
        let name = name(asked);
        let (file, path) = claim(cache, &name)?;
        let is_known = asked.checksum.is_some() && path == cache.join(&name);
        let digest = Running::of(asked.checksum.as_ref(), asked.size);
        let mut partial =
            Self { file, path, is_known, asked, size: 0, digest, is_whole: false, arrived };
        if asked.checksum.is_none() {
            // Nothing would tell the beginning of another file.
            partial.restart()?;
        }
        partial.read_again()?;
        partial.is_whole = match asked.size {
            Some(size) => partial.size >= size,
            None => partial.size > 0 && partial.wrong().is_none(),
        };
        Ok(partial)
    }

    /// Counts and digests what is there.
    fn read_again(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 20];
        loop {
            match self.file.read(&mut buffer)? {
                0 => return Ok(()),
                read => {
                    self.digest.update(&buffer[..read]);
                    self.size += read as u64;
                }
            }
        }
    }

    fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.size = 0;
        self.is_whole = false;
        self.digest = Running::of(self.asked.checksum.as_ref(), self.asked.size);
        Ok(())
    }

    /// Asks for the rest.
    async fn grow(&mut self, http: &Http<'_>) -> Result<(), Failure> {
        if self.asked.checksum.is_none() {
            // Nothing would tell the beginning of one version and the rest of the next.
            self.restart().map_err(anyhow::Error::from)?;
        }
        let url = &self.asked.url;
        let mut headers = HeaderMap::new();
        if self.size > 0 {
            let rest = HeaderValue::from_str(&format!("bytes={}-", self.size));
            headers.insert(RANGE, rest.map_err(anyhow::Error::from)?);
        }
        let mut response = http.get(url, headers).await?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            // There is no rest: what is here is all of the file, or of another one.
            self.is_whole = true;
            return Ok(());
        }
        if response.status() != StatusCode::PARTIAL_CONTENT && self.size > 0 {
            self.restart().map_err(anyhow::Error::from)?;
        }
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => self.add(&chunk)?,
                Ok(None) => break,
                Err(error) => return Err(http.broken(response.url(), error)),
            }
            if self.asked.size.is_some_and(|size| self.size > size) {
                // Its checksum will be wrong.
                break;
            }
        }
        match self.asked.size {
            Some(size) if self.size < size => Err(Failure::Passing(
                format!("{} ended after {} of {size} bytes", self.asked.name, self.size),
                None,
            )),
            _ => {
                self.is_whole = true;
                Ok(())
            }
        }
    }

    fn add(&mut self, chunk: &[u8]) -> Result<()> {
        let stored = self.file.write_all(chunk);
        stored.with_context(|| format!("{} cannot be stored", self.asked.name))?;
        self.digest.update(chunk);
        self.size += chunk.len() as u64;
        self.arrived.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// What is wrong with it, if anything is.
    fn wrong(&self) -> Option<String> {
        let checksum = self.asked.checksum.as_ref()?;
        let digest = self.digest.finish();
        (digest != checksum.hex()).then(|| {
            format!(
                "{} is not what it should be: its checksum is {digest}, and {} is expected",
                self.asked.name,
                checksum.hex()
            )
        })
    }

    fn staged(self) -> Staged {
        let Self { file, path, is_known, asked, size, digest, .. } = self;
        let checksum = digest.finish();
        if asked.checksum.is_none() {
            eprintln!("{}: its sha256 is {checksum}", asked.name);
        }
        Staged { path, size, checksum, is_known, _file: file }
    }
}

/// What the cache calls a file: its checksum, or, where nothing says that, something of its URL's.
pub fn name(asked: &File) -> String {
    match &asked.checksum {
        Some(checksum) => checksum.hex().to_owned(),
        None => {
            let mut name = Running::of(None, None);
            name.update(asked.url.as_bytes());
            format!("url-{}", name.finish())
        }
    }
}

/// The first of the cache's files for `name` that nobody writes to: another build that downloads
/// the same has another, so that neither waits.
fn claim(cache: &Path, name: &str) -> Result<(fs::File, PathBuf)> {
    let mut path = cache.join(name);
    let mut others = 0;
    loop {
        let told = || format!("{}", path.display());
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let file = options.open(&path).with_context(told)?;
        match file.try_lock() {
            Ok(()) if file.metadata()?.nlink() > 0 => return Ok((file, path)),
            // Who had it has just taken it out of the cache: there is room for a new one.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                others += 1;
                path = cache.join(format!("{name}.{others}"));
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(told),
        }
    }
}
