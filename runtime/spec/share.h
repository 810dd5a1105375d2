// How often something goes well, learnt from tries, where that may change.
#pragma once

#include <algorithm>
#include <cmath>

namespace rw::spec {

/// Over the last two hundred tries or, where the last dozen went otherwise, over these.
class Share {
public:
    /// Whether it is found to have changed.
    bool add(bool yes) {
        tries_ = std::min(tries_ + 1, 1 << 24);
        share_ += (double(yes) - share_) * std::max(1.0 / tries_, 1.0 / most);
        recent_ += (double(yes) - recent_) * std::max(1.0 / tries_, 1.0 / recently);
        // By luck the last few differ so much once in some hundred times: then another kind of text has begun.
        const bool changed = tries_ > 2 * recently && std::abs(rise()) > 3;
        if (changed) share_ = recent_, tries_ = recently;
        return changed;
    }
    /// Something else says that it is perhaps no longer so.
    void doubt() { tries_ = std::min(tries_, recently / 2); }
    /// With eight tries' weight of what else is expected.
    double with(double expected) const {
        return (share_ * tries_ + expected * weight) / (tries_ + weight);
    }
    /// The standard error of that.
    double error(double expected) const {
        const double p = with(expected);
        return std::sqrt((p * (1 - p) + 0.01) / (std::min(tries_, most) + weight));
    }
    /// By how much the last dozen are more, in deviations of chance.
    double rise() const { return (recent_ - share_) / std::sqrt((share_ * (1 - share_) + 0.01) / (2 * recently - 1)); }

private:
    static constexpr int most = 200, recently = 12, weight = 8;
    double share_ = 0, recent_ = 0;
    int tries_ = 0;
};

}  // namespace rw::spec
