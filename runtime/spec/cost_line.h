// Seconds by a whole number, learnt from times that are noisy, of a few of the numbers, on a device that may change.
//
// What is believed are the seconds at some knots, straight lines between, and how far they may be off, together: a covariance.
// Before anything is measured that says: one level for all, which is unknown; a slope, roughly known; and steps from knot to
// knot. A time then tells about its neighbours as much as about itself, and one that comes out higher after a hundred that
// did not raises all others with it, as the device has become slower (Kalman 1960). What was measured long ago is believed
// less. A time that is far from what is believed counts no more than one that is just credible, and the first of a shape
// little, as it records a plan.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <iterator>
#include <vector>

namespace rw::spec {

class CostLine {
public:
    /// What is believed beforehand, of the first time that is measured: seconds go as level + slope x, and either may be off by
    /// so much; so may a number be from the one before (step).
    struct Prior {
        double level, slope, level_off, slope_off, step_off;
        int unit = 1;  // knots are a multiple of it apart
    };
    /// Times of a round are no others; what else is added or set is ignored.
    static bool possible(double seconds);
    /// Whether it is found to have changed: what others than this number take is not known well any more.
    bool add(int x, double seconds, const Prior& prior);
    /// As if it had been measured a few times.
    void set(int x, double seconds, const Prior& prior);
    bool empty() const { return scale_ == 0; }
    /// Afterwards nothing here throws.
    void make_room();
    /// Seconds; of what lies beyond the last knot, its. 0 when nothing is known.
    double operator()(double x) const;

    struct Known {
        int x;
        double seconds;
    };
    /// What it has measured, more than once, to be kept.
    std::vector<Known> known() const;

private:
    static constexpr int kMultiples[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                         16, 18, 20, 23, 27, 31, 35, 39, 47, 55, 64, 80, 96, 112, 128};
    static constexpr std::size_t kKnots = std::size(kMultiples);
    /// Between knots `low` and the next, `part` of the way.
    struct Place {
        std::size_t low;
        double part;
    };
    Place place(double x) const;
    double prior_covariance(std::size_t i, std::size_t j) const;
    void begin(int x, double seconds, const Prior& prior);
    void age();
    bool learn(int x, double seconds, double noise, double credible);

    Prior prior_{};
    double scale_ = 0, surprise_ = 0;        // in deviations, of the last few times
    std::vector<double> mean_, covariance_;  // [kKnots], [kKnots][kKnots]
    std::array<int, kKnots> times_{};        // measured nearby
    std::bitset<1024> shapes_;               // numbers that were measured; of great ones by their last bits
    bool settled_ = false;                   // one of them was twice
};

}  // namespace rw::spec
