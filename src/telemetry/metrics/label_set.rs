//! Closed sets of label values, known when compiled.
//!
//! Closed, because a counter born at its first increment is invisible to `increase()`, and because
//! an open label is a way for strangers to fill the memory. `index` makes finding a series an
//! access to a slice: no lock, no hash.

/// The labels of one metric and every combination of their values.
pub trait LabelSet: Copy + Send + Sync + 'static {
    /// Names of the labels.
    const NAMES: &'static [&'static str];

    /// Every combination that can occur; `all()[i].index() == i`.
    fn all() -> Vec<Self>;

    /// Its place in [`all`](Self::all).
    fn index(self) -> usize;

    /// The values, in the order of [`NAMES`](Self::NAMES).
    fn values(self) -> Vec<&'static str>;
}

/// One label with a closed set of values: what [`label_set!`](crate::label_set) makes. Pairs and
/// triples of them are label sets too.
pub trait Label: Copy + Send + Sync + 'static {
    /// Name of the label.
    const NAME: &'static str;
    /// Every value.
    const ALL: &'static [Self];

    /// Its place in [`ALL`](Self::ALL).
    fn position(self) -> usize;

    /// The value as exposed.
    fn as_str(self) -> &'static str;
}

impl<T: Label> LabelSet for T {
    const NAMES: &'static [&'static str] = &[T::NAME];

    fn all() -> Vec<Self> {
        T::ALL.to_vec()
    }

    fn index(self) -> usize {
        self.position()
    }

    fn values(self) -> Vec<&'static str> {
        vec![self.as_str()]
    }
}

/// No labels.
impl LabelSet for () {
    const NAMES: &'static [&'static str] = &[];

    fn all() -> Vec<Self> {
        vec![()]
    }

    fn index(self) -> usize {
        0
    }

    fn values(self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// Every pair. Where only some pairs can occur, write a set by hand: a series that can never move
/// misleads.
impl<A: Label, B: Label> LabelSet for (A, B) {
    const NAMES: &'static [&'static str] = &[A::NAME, B::NAME];

    fn all() -> Vec<Self> {
        A::ALL
            .iter()
            .flat_map(|&a| B::ALL.iter().map(move |&b| (a, b)))
            .collect()
    }

    fn index(self) -> usize {
        self.0.position() * B::ALL.len() + self.1.position()
    }

    fn values(self) -> Vec<&'static str> {
        vec![self.0.as_str(), self.1.as_str()]
    }
}

/// Every triple.
impl<A: Label, B: Label, C: Label> LabelSet for (A, B, C) {
    const NAMES: &'static [&'static str] = &[A::NAME, B::NAME, C::NAME];

    fn all() -> Vec<Self> {
        <(A, B)>::all()
            .into_iter()
            .flat_map(|(a, b)| C::ALL.iter().map(move |&c| (a, b, c)))
            .collect()
    }

    fn index(self) -> usize {
        (self.0, self.1).index() * C::ALL.len() + self.2.position()
    }

    fn values(self) -> Vec<&'static str> {
        vec![self.0.as_str(), self.1.as_str(), self.2.as_str()]
    }
}
