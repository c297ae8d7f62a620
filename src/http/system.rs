//! The Actix system that a thread needs around its listeners.

/// Runs `work` in an Actix system on this thread; for the main thread, once, to its end.
///
/// The system is left as it is afterwards. Dropping its runtime would wait for whatever is stuck on
/// a blocking thread (a question to a database that is gone), and the process is about to end.
pub fn block_on<F: Future>(work: F) -> F::Output {
    let system = actix_web::rt::System::new();
    let output = system.block_on(work);
    std::mem::forget(system);
    output
}
