//! Programs, run to their end: what they printed, or why they failed in their own words.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// What `command` prints to standard output.
///
/// # Errors
///
/// When it cannot be started or ends with another status than 0: the command line, and the end of
/// what it said.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start {}", line(command)))?;
    ensure!(
        output.status.success(),
        "{} ended with {}:\n{}",
        line(command),
        output.status,
        tail(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()), 20),
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// As [`output`], for a command that may hang: it is killed when `deadline` has passed.
///
/// # Errors
///
/// As [`output`], and when the deadline has passed.
pub fn output_within(deadline: Duration, command: &mut Command) -> Result<String> {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("could not start {}", line(command)))?;
    let mut stdout = child.stdout.take().context("standard output was not piped")?;
    // Read beside the wait: a full pipe would stop the command before its deadline does.
    let reader = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("{} gave no answer within {} s", line(command), deadline.as_secs());
        }
        thread::sleep(Duration::from_millis(20));
    };
    ensure!(status.success(), "{} ended with {status}", line(command));
    let text =
        reader.join().map_err(|_| anyhow::anyhow!("{} could not be read", line(command)))??;
    Ok(text.trim_end().to_owned())
}

/// The last `lines` lines of `text`.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
