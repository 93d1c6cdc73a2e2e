//! Run-time dispatch to the widest vector instructions of the processor (`pulp` crate).

/// Runs a closure compiled for the widest vector instructions of the processor.
///
/// The compiler vectorizes the closure's loops only if it and all that it calls are inlined into
/// the dispatch function: a separate function would be compiled for the baseline processor. The
/// compiler may outline a closure that can be called twice, so this one moves a [`MoveOnly`] and
/// can run only once.
macro_rules! widest {
    (|| $body:expr) => {{
        let once = $crate::math::MoveOnly;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let _moved = once;
                $body
            },
        )
    }};
}
pub(crate) use widest;

/// A value that cannot be copied: a closure that moves it out is `FnOnce`.
pub(crate) struct MoveOnly;

#[cfg(test)]
mod tests {
    #[test]
    fn the_closure_runs_once_and_its_value_is_returned() {
        let (mut runs, values) = (0, [1.5f32; 40]);
        let sum: f32 = widest!(|| {
            runs += 1;
            values.iter().sum()
        });
        assert_eq!((runs, sum), (1, 60.0));
    }
}
