#include "tests/runtime/runtime_fixture.h"

#include <cmath>
#include <map>

#include "core/fill.h"

namespace rw::test {
namespace {

/// A folder of this process alone.
class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "rewind-runtime-XXXXXX").string();
        if (!mkdtemp(name.data())) throw Error(Status::io, "no temporary folder");
        path_ = name;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace

std::shared_ptr<const model::Model> random_model(const gguf::Recipe& recipe, const std::string& name) {
    static Folder folder;
    static std::map<std::string, std::shared_ptr<const model::Model>> made;
    std::shared_ptr<const model::Model>& m = made[name];
    if (!m) {
        const auto files = gguf::make_model(recipe, (folder.path() / (name + ".gguf")).string());
        m = std::make_shared<model::Model>(files.front(), files.size() > 1 ? files.back() : "");
    }
    return m;
}

std::unique_ptr<model::Context> Runtime::context(model::Options options, const gguf::Recipe& recipe, const std::string& name) const {
    options.pools.context = std::min<int64_t>(options.pools.context, 512);
    options.chunk = std::min<int64_t>(options.chunk, 64);
    return std::make_unique<model::Context>(random_model(recipe, name), device(), options);
}

std::vector<std::string> device_ids() {
    std::vector<std::string> ids;
    for (const core::DeviceInfo& info : core::devices()) ids.push_back(info.id);
    return ids;
}

std::string device_name(const testing::TestParamInfo<std::string>& info) {
    std::string name = info.param;
    for (char& c : name)
        if (!isalnum(static_cast<unsigned char>(c))) c = '_';
    return name;
}

std::vector<int32_t> some_tokens(size_t n, uint64_t seed, uint32_t vocab) {
    std::vector<int32_t> tokens(n);
    for (size_t i = 0; i < n; ++i) tokens[i] = int32_t((seed * 1000003 + i * 7919 + i * i * 31) % vocab);
    return tokens;
}

double nmse(std::span<const float> found, std::span<const float> expected) {
    double error = 0, norm = 0;
    for (size_t i = 0; i < expected.size(); ++i)
        error += std::pow(double(found[i]) - expected[i], 2), norm += std::pow(double(expected[i]), 2);
    return error / norm;
}

std::vector<std::vector<float>> run_exact(sequence::SequenceState& state, std::span<const int32_t> tokens, bool mtp) {
    model::Wanted wanted{.mtp = mtp};
    for (size_t i = 0; i < tokens.size(); ++i) wanted.rows.push_back(int32_t(i));
    state.context().run({state.part(tokens)}, wanted);
    state.advance(int64_t(tokens.size()));
    std::vector<std::vector<float>> rows;
    for (size_t i = 0; i < tokens.size(); ++i) rows.push_back(state.context().logits(i));
    return rows;
}

}  // namespace rw::test
