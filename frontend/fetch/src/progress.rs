//! What a person who watches the build sees.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

/// Time between two lines.
const OFTEN: Duration = Duration::from_secs(5);

/// Tells of a download now and then, as long as it lives.
#[derive(Debug)]
pub struct Progress {
    /// The bytes that have arrived.
    pub arrived: Arc<AtomicU64>,
    started: Instant,
    teller: AbortHandle,
}

impl Progress {
    /// Of a download of `total` bytes, as far as that is known.
    pub fn start(total: u64) -> Self {
        let arrived = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&arrived);
        let teller = tokio::spawn(async move {
            let mut last = 0;
            loop {
                tokio::time::sleep(OFTEN).await;
                let now = count.load(Ordering::Relaxed);
                let rate = size((now - last) / OFTEN.as_secs());
                if total > 0 {
                    eprintln!("{} of {}, {rate}/s", size(now), size(total));
                } else {
                    eprintln!("{}, {rate}/s", size(now));
                }
                last = now;
            }
        });
        Self { arrived, started: Instant::now(), teller: teller.abort_handle() }
    }

    /// The last line.
    pub fn end(&self, files: usize) {
        let arrived = size(self.arrived.load(Ordering::Relaxed));
        let seconds = self.started.elapsed().as_secs_f64();
        eprintln!("files: {files}, downloaded: {arrived} in {seconds:.1} s");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.teller.abort();
    }
}

/// `1.5 GB`
pub fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
    let count = bytes as f64;
    match bytes {
        0..100_000 => format!("{bytes} bytes"),
        100_000..1_000_000_000 => format!("{:.1} MB", count / 1e6),
        _ => format!("{:.2} GB", count / 1e9),
    }
}
