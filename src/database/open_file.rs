//! Whether the file of an SQLite database is still the one that was opened. Whoever deletes or replaces it under a running
//! service changes nothing for connections that are open: they go on with a file that nobody will find again, and what is
//! written there is lost. So it is not written to any more.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::error::{DatabaseError, ErrorKind};

/// A file by its name, and by what it was when it was first looked at.
#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    /// Device and inode.
    first: OnceLock<(u64, u64)>,
}

impl OpenFile {
    /// Not looked at yet: it may still have to be made.
    pub(super) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            first: OnceLock::new(),
        }
    }

    /// Fails when there is no file of this name, or another one than at the first call.
    pub(super) fn check(&self) -> Result<(), DatabaseError> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| {
            if self.first.get().is_some() {
                return gone();
            }
            DatabaseError::caused_by(ErrorKind::Refused, error)
        })?;
        let now = (metadata.dev(), metadata.ino());
        if *self.first.get_or_init(|| now) == now {
            Ok(())
        } else {
            Err(gone())
        }
    }
}

fn gone() -> DatabaseError {
    let what = "the database file was deleted or replaced while it was open: restart the service";
    DatabaseError::caused_by(ErrorKind::Refused, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_replaced_or_deleted_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.db"), folder.path().join("b.db"));
        let file = OpenFile::at(&path);
        assert!(file.check().is_err(), "it is not there yet");
        std::fs::write(&path, "first").unwrap();
        std::fs::write(&other, "second").unwrap();
        assert!(file.check().is_ok());
        std::fs::write(&path, "first, changed").unwrap();
        assert!(file.check().is_ok(), "it is still the same");
        std::fs::rename(&other, &path).unwrap();
        assert!(file.check().is_err());
        std::fs::remove_file(&path).unwrap();
        assert!(file.check().is_err());
    }
}
