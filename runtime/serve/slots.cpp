// /slots: what they do, and what one keeps to a file, from a file, or gone.
#include <fmt/format.h>

#include <charconv>
#include <filesystem>

#include "runtime/clock.h"
#include "runtime/sequence/save.h"
#include "runtime/serve/fields.h"
#include "runtime/serve/service.h"

namespace rw::serve {
namespace {

/// Nothing of a name may lead out of the folder.
std::string path_of(const Fields& fields, const Service& service) {
    if (service.options.slot_path.empty())
        throw Problem(403, "slots are not saved here: the server was started without --slot-path", "invalid_request_error",
                      "", "not_supported");
    const std::string name = fields.text("filename", "", 200);
    bool good = !name.empty() && name[0] != '.';
    for (const char c : name) good = good && c != '/' && c != '\\' && uint8_t(c) >= ' ' && c != 127;
    if (!good) fields.fail("filename", "a file's name, without folders and not beginning with a dot,");
    return (std::filesystem::path(service.options.slot_path) / name).string();
}

/// The slot, when nobody works in it.
Slot& idle(Engine::Inside& inside, int number) {
    Slot& slot = inside.slots[size_t(number)];
    if (slot.job)
        throw Problem(409, fmt::format("slot {} is at work", number), "invalid_request_error", "id_slot", "slot_busy");
    return slot;
}

/// The engine only copies what is to be written; it does not wait for the file.
Json save_slot(Service& service, int number, const std::string& path) {
    const double start = seconds_now();
    const std::lock_guard lock(service.files);
    std::vector<std::byte> image;
    int64_t saved = 0;
    service.engine.between([&](Engine::Inside& inside) {
        const Slot& slot = idle(inside, number);
        if (!slot.kept)
            throw Problem(404, fmt::format("slot {} keeps nothing", number), "invalid_request_error", "id_slot", "slot_empty");
        image = sequence::image_of(slot.kept->state, slot.kept->tokens);
        saved = slot.kept->state.pos();
    });
    sequence::write_image(image, path);
    return {{"n_saved", saved},
            {"n_written", image.size() + sizeof(uint64_t)},
            {"timings", {{"save_ms", 1e3 * (seconds_now() - start)}}}};
}

/// The saved sequence takes the place of what the slot keeps. Where there is no room for both, that waits in host
/// memory for the case that the device fails.
void replace(Engine::Inside& inside, Slot& slot, std::span<const std::byte> image) {
    std::vector<std::byte> before;
    double since = 0;
    if (slot.kept && !inside.context.has_free_row()) {
        before = sequence::image_of(slot.kept->state, slot.kept->tokens);
        since = slot.kept->since;
        slot.kept.reset();
    }
    const auto keep = [&](std::span<const std::byte> of, double when) {
        sequence::Loaded loaded = sequence::load_image(inside.context, of);
        slot.kept.emplace(Kept{std::move(loaded.state), std::move(loaded.tokens), when});
    };
    try {
        keep(image, seconds_now());
    } catch (const std::exception&) {
        try {
            if (!before.empty()) keep(before, since);
        } catch (const std::exception&) {  // what failed first is what is told
        }
        throw;
    }
}

/// The engine only copies what was read and checked before; it does not wait for the file.
Json restore_slot(Service& service, int number, const std::string& path) {
    const double start = seconds_now();
    const std::lock_guard lock(service.files);
    if (!std::filesystem::exists(path))
        throw Problem(404, "there is no such saved slot", "invalid_request_error", "filename", "not_found");
    const std::vector<std::byte> image = sequence::read_image(service.context, path);
    int64_t restored = 0;
    service.engine.between([&](Engine::Inside& inside) {
        Slot& slot = idle(inside, number);
        replace(inside, slot, image);
        restored = slot.kept->state.pos();
    });
    return {{"n_restored", restored},
            {"n_read", image.size() + sizeof(uint64_t)},
            {"timings", {{"restore_ms", 1e3 * (seconds_now() - start)}}}};
}

Json erase_slot(Service& service, int number) {
    Json answer;
    service.engine.between([&](Engine::Inside& inside) {
        Slot& slot = idle(inside, number);
        answer["n_erased"] = slot.kept ? slot.kept->state.pos() : 0;
        slot.kept.reset();
    });
    return answer;
}

}  // namespace

Answer slots(Service& service, const Call&) {
    Json list = Json::array();
    service.engine.between([&](Engine::Inside& inside) {
        for (const Slot& slot : inside.slots) {
            Json one{{"id", list.size()}, {"n_ctx", service.positions()}, {"is_processing", slot.job != nullptr}};
            if (slot.job) {
                const spec::Generation& g = *slot.generation;
                one["n_prompt_tokens"] = g.request.prompt.size();
                one["n_prompt_tokens_processed"] = std::min<int64_t>(g.state.pos(), int64_t(g.request.prompt.size()));
                one["n_decoded"] = g.text.size();
                one["speculative"] = g.request.n_max != 0;
            } else {
                one["n_kept"] = slot.kept ? slot.kept->state.pos() : 0;
            }
            list.push_back(std::move(one));
        }
    });
    return list;
}

Answer slot_action(Service& service, const Call& call) {
    int number = -1;
    const auto read = std::from_chars(call.tail.data(), call.tail.data() + call.tail.size(), number);
    if (read.ec != std::errc() || read.ptr != call.tail.data() + call.tail.size() || number < 0 ||
        number >= service.engine.limits().slots)
        throw Problem(404, fmt::format("there is no slot {}; they go from 0 to {}", call.tail, service.engine.limits().slots - 1),
                      "invalid_request_error", "id_slot", "not_found");
    const auto asked = call.query.find("action");
    const std::string action = asked == call.query.end() ? "" : asked->second;
    const Json body = call.body.empty() ? Json::object() : parsed(call.body);
    const Fields fields(body);
    Json answer{{"id_slot", number}};
    if (action == "erase") {
        answer.update(erase_slot(service, number));
    } else if (action == "save" || action == "restore") {
        const std::string path = path_of(fields, service);
        answer["filename"] = fields.text("filename", "");
        try {
            answer.update(action == "save" ? save_slot(service, number, path) : restore_slot(service, number, path));
        } catch (const Error& e) {  // clients know the name alone
            std::string text = e.what();
            if (const size_t at = text.find(path); at != text.npos) text.replace(at, path.size(), fields.text("filename", ""));
            throw Error(e.status, text);
        }
    } else {
        throw bad("action", "action is save, restore or erase, as in /slots/0?action=save");
    }
    return answer;
}

}  // namespace rw::serve
