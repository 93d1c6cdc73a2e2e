//! Downsampling of long lines.

use crate::show::chart::axis::Axis;
use crate::show::chart::series::Point;

/// Keeps at most four points per column of pixels, which draw the same line: the first, lowest,
/// highest and last (Jugel et al., "M4: A Visualization-Oriented Time Series Data Aggregation",
/// 2014). Lines that run backwards are kept whole.
pub(super) fn downsample(points: &[Point], x: &Axis, columns: usize) -> Vec<Point> {
    if points.len() <= 4 * columns || !points.is_sorted_by(|a, b| a.0 <= b.0) {
        return points.to_vec();
    }
    let column = |point: &Point| (x.position(point.0) * columns as f64) as usize;
    let mut out = Vec::with_capacity(4 * columns);
    for group in points.chunk_by(|a, b| column(a) == column(b)) {
        let by_y = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
        let (low, high) = (group.iter().min_by(by_y), group.iter().max_by(by_y));
        let mut kept = vec![group.first(), low, high, group.last()];
        kept.dedup();
        out.extend(kept.into_iter().flatten());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::downsample;
    use crate::show::chart::axis::{Axis, AxisScale};

    #[test]
    fn four_points_remain_per_column_and_a_spike_is_kept() {
        let mut points: Vec<(f64, f64)> = (0..1000).map(|i| (f64::from(i), 0.0)).collect();
        points[567].1 = 9.0;
        let axis = Axis::between(0.0, 999.0, AxisScale::Linear);
        let kept = downsample(&points, &axis, 10);
        assert!(kept.len() <= 44, "{}", kept.len());
        assert!(kept.contains(&(567.0, 9.0)));
        points.reverse();
        assert_eq!(downsample(&points, &axis, 10).len(), 1000);
    }
}
