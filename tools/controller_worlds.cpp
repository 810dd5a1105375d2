#include "tools/controller_worlds.h"

#include <cmath>
#include <numbers>

namespace rw::tools {
namespace {

using Share = World::Share;
using Cost = World::Cost;

Share always(double share) {
    return [=](int, double, int, double) { return share; };
}
Share fading(double first, double factor) {
    return [=](int, double, int place, double) { return first * std::pow(factor, place - 1); };
}
/// One share for a stretch of tokens, another for the next, and so on.
Share stretches(std::vector<double> shares, double length) {
    return [=](int, double token, int, double) { return shares[size_t(token / length) % shares.size()]; };
}
/// Most tokens are easy, the rest hard.
Share mixed(double easy, double hard, double of_easy) {
    return [=](int, double, int, double luck) { return luck < of_easy ? easy : hard; };
}
Share from_one_to_another(Share a, Share b, double length) {
    return [=](int s, double token, int place, double luck) { return (int64_t(token / length) % 2 ? b : a)(s, token, place, luck); };
}
/// Every other sequence goes well.
Share by_turns(double good, double bad) {
    return [=](int s, double, int, double) { return s % 2 ? bad : good; };
}
/// Up and down between two shares, once in `length` tokens.
Share drifting(double most, double least, double length) {
    return [=](int, double token, int, double) {
        return (most + least) / 2 + (most - least) / 2 * std::cos(2 * std::numbers::pi * token / length);
    };
}

Cost per_token(double share) {
    return [=](int n, double) { return 0.01 * share * n; };
}
/// Rows of `sequences` and their drafts, each as dear as the first one's share.
Cost rows(double row, int sequences = 1) {
    return [=](int drafts, double) { return 0.01 * (1 + row * (sequences - 1 + drafts)); };
}
/// A GPU's: rows are nearly free up to eight, then another tile costs.
Cost tiles() {
    return [](int drafts, double) { return 0.01 * (1 + 0.02 * drafts + 0.6 * (drafts / 8)); };
}
/// One and, from a token on, another.
Cost turning(Cost before, Cost after, double at) {
    return [=](int n, double token) { return (token < at ? before : after)(n, token); };
}
Cost times(double factor, Cost cost) {
    return [=](int n, double token) { return factor * cost(n, token); };
}
/// By the token `at` it takes twice as long: there is more to look back at.
Cost growing(Cost cost, double at) {
    return [=](int n, double token) { return (1 + token / at) * cost(n, token); };
}

}  // namespace

std::vector<World> controller_worlds() {
    const auto honest = [](double s) { return s; };
    const auto proud = [](double s) { return std::sqrt(s); };
    const auto modest = [](double s) { return s * s; };
    const auto blind = [](double) { return 0.8; };
    return {
        {"nothing stands", always(0), per_token(0.1), rows(0.1)},
        {"little stands", always(0.15), per_token(0.1), rows(0.15)},
        {"half stands", always(0.5), per_token(0.05), rows(0.1)},
        {"most stands, cheap rows", always(0.9), per_token(0.02), rows(0.03)},
        {"all stands", always(1), per_token(0.05), rows(0.05)},
        {"later places are worse", fading(0.85, 0.85), per_token(0.1), rows(0.1)},
        {"tiles", always(0.8), per_token(0.02), tiles()},
        {"from good to bad", stretches({0.9, 0.05}, 2000), per_token(0.05), rows(0.1)},
        {"from bad to good", stretches({0.05, 0.9}, 2000), per_token(0.05), rows(0.1)},
        {"to and fro", stretches({0.9, 0.1, 0.6, 0.0}, 500), per_token(0.05), rows(0.1)},
        {"short stretches", stretches({0.9, 0.2}, 150), per_token(0.05), rows(0.1)},
        World{"slowly up and down", drifting(0.9, 0.0, 10000), per_token(0.05), rows(0.1)}.with(&World::length, 5),
        World{"slowly, never good", drifting(0.3, 0.0, 10000), per_token(0.15), rows(0.15)}.with(&World::length, 5),
        {"rows as dear as rounds", always(0.6), per_token(0.2), rows(0.8)},
        {"nothing but dear drafting", always(0.7), per_token(0.6), rows(0.02)},
        {"all becomes slower", always(0.7), turning(per_token(0.05), per_token(0.1), 1500),
         turning(rows(0.1), times(2, rows(0.1)), 1500)},
        {"rows become dear", always(0.7), per_token(0.05), turning(rows(0.05), rows(0.6), 1500)},
        {"rows become cheap", always(0.7), per_token(0.05), turning(rows(0.6), rows(0.05), 1500)},
        {"drafting becomes dear", always(0.7), turning(per_token(0.05), per_token(0.7), 1500), rows(0.1)},
        {"all grows slowly", always(0.7), growing(per_token(0.05), 4000), growing(rows(0.1), 4000)},
        World{"reads at first", always(0.7), per_token(0.1), rows(0.1)}.with(&World::reading, 20).with(&World::reads, 0.005),
        World{"reads, and nothing stands", always(0), per_token(0.1), rows(0.1)}.with(&World::reading, 20).with(&World::reads, 0.005),
        World{"first rounds take longer", always(0.7), per_token(0.05), rows(0.1)}.with(&World::first, 2.0),
        World{"at least three", always(0.6), per_token(0.05), rows(0.1)}.with(&World::least, 3),
        World{"at least three, too many", always(0.3), per_token(0.1), rows(0.1)}.with(&World::least, 3),
        {"eight, cheap rows", always(0.7), per_token(0.05), rows(0.01, 8), 8},
        {"eight, dear rows", always(0.5), per_token(0.05), rows(0.15, 8), 8},
        {"eight, half of them good", by_turns(0.9, 0.1), per_token(0.05), rows(0.1, 8), 8},
        {"eight, good to bad", stretches({0.9, 0.1}, 1000), per_token(0.05), rows(0.05, 8), 8},
        World{"eight, four of them plain", always(0.7), per_token(0.05), rows(0.05, 8), 8}.with(&World::plain, 4),
        World{"eight, plain, dear rows", always(0.6), per_token(0.05), rows(0.2, 8), 8}.with(&World::plain, 4),
        {"eight, become slower", always(0.7), turning(per_token(0.05), per_token(0.2), 1500),
         turning(rows(0.02, 8), rows(0.1, 8), 1500), 8},
        {"sure and unsure, honest", mixed(0.95, 0.2, 0.7), per_token(0.03), rows(0.15), 1, honest},
        {"sure and unsure, proud", mixed(0.95, 0.2, 0.7), per_token(0.03), rows(0.15), 1, proud},
        {"sure and unsure, modest", mixed(0.95, 0.3, 0.7), per_token(0.03), rows(0.15), 1, modest},
        {"cannot tell", mixed(0.95, 0.2, 0.7), per_token(0.03), rows(0.15), 1, blind},
        {"sure, then nothing stands", from_one_to_another(mixed(0.95, 0.2, 0.8), always(0.05), 2000), per_token(0.03),
         rows(0.12), 1, honest},
        {"proud and tiles", mixed(0.9, 0.3, 0.7), per_token(0.02), tiles(), 1, proud},
        {"proud and nothing stands", always(0.02), per_token(0.05), rows(0.15), 1, blind},
        World{"sure, at least three", mixed(0.95, 0.3, 0.7), per_token(0.03), rows(0.15), 1, honest}.with(&World::least, 3),
        {"eight, sure and unsure", mixed(0.95, 0.15, 0.6), per_token(0.03), rows(0.08, 8), 8, honest},
    };
}

}  // namespace rw::tools
