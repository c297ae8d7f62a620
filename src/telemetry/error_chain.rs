//! An error with all of its causes, in one line.

use std::error::Error;
use std::fmt::Write as _;

/// `"a: b: c"`: an error, its source, and so on. Errors here never repeat their source in their own
/// text, so this says each thing once.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the order was not stored")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("no connection")]
    struct Inner(#[source] std::fmt::Error);

    #[test]
    fn every_cause_is_told_once() {
        let error = Outer(Inner(std::fmt::Error));
        let chain = error_chain(&error);
        assert!(
            chain.starts_with("the order was not stored: no connection: "),
            "{chain}"
        );
        assert_eq!(chain.matches(": ").count(), 2);
    }
}
