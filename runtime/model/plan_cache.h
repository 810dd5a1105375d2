// Recorded plans by what they were recorded for: as many as fit into so many bytes.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>

namespace rw::model {

/// The one that was used longest ago goes first, one at a time. A reference is good until the next put().
template <class Key, class Plan>
class PlanCache {
public:
    explicit PlanCache(uint64_t most = 0) : most_(most) {}

    /// Null when there is none; else it counts as used now.
    Plan* find(const Key& key) {
        const auto found = places_.find(key);
        if (found == places_.end()) return nullptr;
        plans_.splice(plans_.begin(), plans_, found->second);
        return plans_.front().plan.get();
    }
    /// What a plan of so many bytes takes the place of goes.
    void make_room(uint64_t bytes) {
        while (!plans_.empty() && (bytes > most_ || bytes_ > most_ - bytes)) drop_last();
    }
    /// For a key that find() does not know, after make_room(); alone it may be of any size.
    Plan& put(const Key& key, std::unique_ptr<Plan> plan, uint64_t bytes) {
        make_room(bytes);
        plans_.push_front({key, std::move(plan), bytes});
        try {
            places_.emplace(key, plans_.begin());
        } catch (...) {
            plans_.pop_front();
            throw;
        }
        bytes_ += bytes;
        return *plans_.front().plan;
    }
    size_t size() const { return plans_.size(); }
    uint64_t bytes() const { return bytes_; }

private:
    struct Entry {
        Key key;
        std::unique_ptr<Plan> plan;
        uint64_t bytes;
    };
    void drop_last() {
        bytes_ -= plans_.back().bytes;
        places_.erase(plans_.back().key);
        plans_.pop_back();
    }

    uint64_t most_, bytes_ = 0;
    std::list<Entry> plans_;  // used last first
    std::map<Key, typename std::list<Entry>::iterator> places_;
};

}  // namespace rw::model
