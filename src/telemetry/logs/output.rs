//! What the writer thread writes into: gathers the lines of a burst, and counts what came out.
//!
//! `tracing-appender`'s thread swallows write errors. So this never returns one: it counts the lines
//! that were lost and goes on, since neither a closed pipe nor a full disk may stop the service.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Release},
};
use std::thread::park_timeout;
use std::time::Duration;

/// Lines gathered before they are written, in bytes; the thread also flushes when its queue is
/// empty, so a lone line comes out at once.
const GATHERED: usize = 64 * 1024;

/// How long what was written is left to itself. Lines that come meanwhile gather in the queue, and nobody has to wake the
/// writer for each: under load that is two switches of thread and a system call that a request does not pay for.
const BREATH: Duration = Duration::from_millis(2);

/// Before a descriptor that somebody set non-blocking is tried again.
const FULL: Duration = Duration::from_millis(2);

/// How lines fared.
#[derive(Debug, Default)]
pub(super) struct Tally {
    settled: AtomicU64,
    lost: AtomicU64,
}

impl Tally {
    /// Lines that were written or lost.
    pub(super) fn settled(&self) -> u64 {
        self.settled.load(Acquire)
    }

    /// Lines that could not be written.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Acquire)
    }
}

/// Gathers lines and writes them to `W`.
pub(super) struct Output<W> {
    writer: W,
    gathered: Vec<u8>,
    /// Where in it each line ends.
    ends: Vec<usize>,
    /// The last write stopped inside a line.
    torn: bool,
    tally: Arc<Tally>,
}

impl<W: Write> Output<W> {
    pub(super) fn new(writer: W, tally: Arc<Tally>) -> Self {
        Self {
            writer,
            gathered: Vec::with_capacity(GATHERED),
            ends: Vec::new(),
            torn: false,
            tally,
        }
    }

    fn write_gathered(&mut self) {
        // Else the next line would be glued to the piece that is out there.
        let mended = !self.torn || write_as_much_as_goes(&mut self.writer, b"\n") == 1;
        let written = if mended {
            write_as_much_as_goes(&mut self.writer, &self.gathered)
        } else {
            0
        };
        if mended {
            self.torn = written > 0 && !self.ends.contains(&written);
        }
        let lost = self.ends.iter().filter(|&&end| end > written).count();
        self.tally.lost.fetch_add(number(lost), Release);
        self.tally
            .settled
            .fetch_add(number(self.ends.len()), Release);
        self.gathered.clear();
        self.ends.clear();
    }
}

/// On every machine this runs on, the same number.
fn number(lines: usize) -> u64 {
    u64::try_from(lines).unwrap_or(u64::MAX)
}

/// Takes one line a call, which is how the writer thread calls it.
impl<W: Write> Write for Output<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(line);
        self.ends.push(self.gathered.len());
        if self.gathered.len() >= GATHERED {
            self.write_gathered();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let anything = !self.ends.is_empty();
        if anything {
            self.write_gathered();
        }
        // An error here has lost nothing that is known of.
        let _ = self.writer.flush();
        if anything {
            park_timeout(BREATH);
        }
        Ok(())
    }
}

/// How many bytes went out before an error.
fn write_as_much_as_goes(writer: &mut impl Write, bytes: &[u8]) -> usize {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match writer.write(rest) {
            Ok(0) => break,
            Ok(more) => written += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Only this thread waits; the queue behind it drops what does not fit.
            Err(error) if error.kind() == ErrorKind::WouldBlock => park_timeout(FULL),
            Err(_) => break,
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Takes `room` bytes, then fails.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(usize, Vec<u8>)>>);

    impl Disk {
        fn with_room(room: usize) -> Self {
            let disk = Self::default();
            disk.make_room(room);
            disk
        }

        fn make_room(&self, room: usize) {
            self.0.lock().unwrap().0 = room;
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().1.clone()).unwrap()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (room, written) = &mut *self.0.lock().unwrap();
            let taken = bytes.len().min(*room);
            if taken == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            *room -= taken;
            written.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log(output: &mut Output<Disk>, lines: &[&str]) {
        for line in lines {
            output.write_all(line.as_bytes()).unwrap();
        }
        output.flush().unwrap();
    }

    #[test]
    fn lines_lost_to_a_full_disk_are_counted_and_a_torn_one_is_ended() {
        let (disk, tally) = (Disk::with_room(6), Arc::new(Tally::default()));
        let mut output = Output::new(disk.clone(), Arc::clone(&tally));

        log(&mut output, &["one\n", "two\n", "three\n"]);
        assert_eq!((tally.settled(), tally.lost()), (3, 2));
        log(&mut output, &["four\n"]);
        assert_eq!((tally.settled(), tally.lost()), (4, 3));

        disk.make_room(100);
        log(&mut output, &["five\n"]);
        assert_eq!((tally.settled(), tally.lost()), (5, 3));
        assert_eq!(disk.text(), "one\ntw\nfive\n");
    }

    #[test]
    fn a_long_burst_is_written_before_its_end() {
        let (disk, tally) = (Disk::with_room(usize::MAX), Arc::new(Tally::default()));
        let mut output = Output::new(disk.clone(), Arc::clone(&tally));
        let line = format!("{}\n", "x".repeat(GATHERED));
        output.write_all(line.as_bytes()).unwrap();
        assert_eq!(disk.text(), line);
        assert_eq!((tally.settled(), tally.lost()), (1, 0));
    }
}
