//! What the gate promises, part by part, and as a whole in front of a simulated service.

mod control;
mod gate;
mod queue;
mod simulation;
mod slots;
