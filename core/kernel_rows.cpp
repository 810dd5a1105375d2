#include "core/kernel_rows.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <iterator>
#include <mutex>
#include <sstream>

namespace rw::core {
namespace {

std::string trim(const std::string& s) {
    const size_t a = s.find_first_not_of(" \t\r"), b = s.find_last_not_of(" \t\r");
    return a == s.npos ? "" : s.substr(a, b - a + 1);
}

/// Splits at commas outside parentheses.
std::vector<Expr> list(const std::string& text) {
    std::vector<Expr> out;
    int depth = 0;
    std::string piece;
    for (const char c : text + ",") {
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if (c == ',' && depth == 0) out.emplace_back(trim(piece)), piece.clear();
        else piece += c;
    }
    return out;
}

std::pair<std::string, std::string> first_word(const std::string& text) {
    const size_t end = std::min(text.find_first_of(" \t"), text.size());
    return {text.substr(0, end), trim(text.substr(end))};
}

std::vector<std::string> words(const std::string& text) {
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
}

/// "condition ? reason": the last " ? " that is followed by a sentence, so that ?: may be used in the condition.
KernelRow::Need need(const std::string& text) {
    const size_t mark = text.rfind(" ? ");
    if (mark == text.npos) throw Error(Status::invalid_argument, "need: expected `condition ? reason`");
    return {Expr(trim(text.substr(0, mark))), trim(text.substr(mark + 3))};
}

KernelRow::Tune tune(const std::string& text) {
    const auto [name, rest] = first_word(text);
    const size_t colon = rest.rfind(" : ");
    KernelRow::Tune t{name, Expr(trim(rest.substr(0, colon))), {}};
    if (colon != rest.npos) {
        std::istringstream values(rest.substr(colon + 3));
        for (int64_t v; values >> v;) t.candidates.push_back(v);
    }
    return t;
}

Pass pass(const std::string& text) {
    Pass p;
    std::istringstream words(text);
    words >> p.source;
    p.key = p.source;
    for (std::string word; words >> word;) {
        const size_t eq = word.find('=');
        if (eq == word.npos) throw Error(Status::invalid_argument, "pass: expected NAME=VALUE, got " + word);
        p.defines.emplace_back(word.substr(0, eq), word.substr(eq + 1));
        p.key += " " + word;
    }
    p.local = p.grid = {Expr("1")};
    return p;
}

Pass gemm(const std::string& text) {
    const std::vector<Expr> sizes = list(text);
    if (sizes.size() < 3 || sizes.size() > 4)
        throw Error(Status::invalid_argument, "gemm: expected the rows of a, the rows of b, k, and perhaps the most of k");
    Pass p;
    p.key = "gemm";
    p.gemm = Gemm{sizes[0], sizes[1], sizes[2], sizes.size() > 3 ? sizes[3] : Expr(), {}, {}, {}, {}};
    return p;
}

Gemm::Matrix matrix(const std::string& text) {
    const size_t comma = text.find(',');
    const std::vector<Expr> numbers = comma == text.npos ? std::vector<Expr>() : list(text.substr(comma + 1));
    if (numbers.empty() || numbers.size() > 2)
        throw Error(Status::invalid_argument, "expected `name, elements between rows` and perhaps `, first element`");
    return {trim(text.substr(0, comma)), numbers[0], numbers.size() > 1 ? numbers[1] : Expr()};
}

void set_pieces(KernelRow& row, const std::vector<Expr>& numbers) {
    if (numbers.size() != 2) throw Error(Status::invalid_argument, "pieces: expected `of how many, at most so many`");
    row.pieces_of = numbers[0], row.piece = numbers[1];
}

void parse_line(const std::string& line, std::vector<KernelRow>& rows) {
    if (line.front() == '[') {
        rows.emplace_back().name = line.substr(1, line.find(']') - 1);
        return;
    }
    if (rows.empty()) throw Error(Status::invalid_argument, "expected [name] first");
    KernelRow& row = rows.back();
    const auto [word, rest] = first_word(line);
    const auto last = [&]() -> Pass& {
        if (row.passes.empty()) throw Error(Status::invalid_argument, word + ": expected after a pass");
        return row.passes.back();
    };
    const auto kernel = [&]() -> Pass& {
        if (last().gemm) throw Error(Status::invalid_argument, word + ": not of a gemm");
        return last();
    };
    const auto product = [&]() -> Gemm& {
        if (!last().gemm) throw Error(Status::invalid_argument, word + ": expected after a gemm");
        return *last().gemm;
    };
    if (word == "far") row.far = true;
    else if (word == "wide") row.wide = words(rest);
    else if (word == "need") row.needs.push_back(need(rest));
    else if (word == "tune") row.tunes.push_back(tune(rest));
    else if (word == "constant") row.constants.emplace_back(first_word(rest).first, Expr(first_word(rest).second));
    else if (word == "scratch") row.scratch.emplace_back(first_word(rest).first, Expr(first_word(rest).second));
    else if (word == "pass") row.passes.push_back(pass(rest));
    else if (word == "gemm") row.passes.push_back(gemm(rest));
    else if (word == "a") product().a = matrix(rest);
    else if (word == "b") product().b = matrix(rest);
    else if (word == "c") product().c = matrix(rest);
    else if (word == "adds") product().adds = Expr(rest);
    else if (word == "pieces") set_pieces(row, list(rest));
    else if (word == "last") row.last = Expr(rest);
    else if (word == "local") kernel().local = list(rest);
    else if (word == "grid") kernel().grid = list(rest);
    else if (word == "split") kernel().split = Expr(rest);
    else if (word == "when") last().when = Expr(rest);
    else throw Error(Status::invalid_argument, "unknown word '" + word + "'");
}

/// What can only be said of a row once all its lines are there.
void check_whole(const KernelRow& row) {
    const auto fail = [&](const std::string& what) { throw Error(Status::invalid_argument, "[" + row.name + "] " + what); };
    if (row.passes.empty()) fail("has no pass");
    if (row.has_gemm() && row.far) fail("far: a gemm reaches its matrices its own way");
    if (!row.pieces_of.empty() && !row.has_gemm()) fail("pieces: the row has no gemm; a kernel alone is cut by split");
    for (const Pass& p : row.passes) {
        if (!row.pieces_of.empty() && !p.split.empty()) fail("split: the row is cut into pieces already");
        if (!p.gemm) continue;
        for (const Gemm::Matrix* m : {&p.gemm->a, &p.gemm->b, &p.gemm->c})
            if (m->name.empty()) fail("gemm: a, b and c have to follow");
    }
}

/// The second form of a row with `far`.
KernelRow far_row(KernelRow row) {
    row.name += "_far";
    row.needs.insert(row.needs.begin(), {{Expr("far"), "for tensors larger than one binding"},
                                         {Expr("bda"), "the device has no buffer device addresses"}});
    for (Pass& p : row.passes) p.defines.emplace_back("FAR", "1"), p.key += " FAR=1";
    return row;
}

void check_wide(const ops::Op& op, const KernelRow& row, const std::string& file) {
    for (const std::string& name : row.wide)
        if (std::none_of(op.args.begin(), op.args.end(), [&](const auto& arg) { return arg.name == name; }))
            throw Error(Status::invalid_argument, file + ": [" + row.name + "] wide: " + op.name + " has no " + name);
}

/// An argument's or scratch's name is all that a matrix has.
void check_matrices(const ops::Op& op, const KernelRow& row, const std::string& file) {
    const auto known = [&](const std::string& name) {
        return std::any_of(op.args.begin(), op.args.end(), [&](const auto& arg) { return arg.name == name; }) ||
               std::any_of(row.scratch.begin(), row.scratch.end(), [&](const auto& s) { return s.first == name; });
    };
    for (const Pass& p : row.passes) {
        if (!p.gemm) continue;
        for (const Gemm::Matrix* m : {&p.gemm->a, &p.gemm->b, &p.gemm->c})
            if (!known(m->name))
                throw Error(Status::invalid_argument,
                            file + ": [" + row.name + "] gemm: " + op.name + " and the row's scratch have no " + m->name);
    }
}

bool aligned16(const ops::Op& op, const ops::Call& call, const std::vector<std::string>& wide) {
    for (size_t i = 0; i < call.arg.size(); ++i) {
        const Tensor& t = call.arg[i];
        if (!t || t.type == Type::i32) continue;
        if (!wide.empty() && std::find(wide.begin(), wide.end(), op.args[i].name) == wide.end()) continue;
        if (t.offset % 16) return false;
        for (int d = 1; d < 4; ++d)
            if (t.ne[d] > 1 && t.ne[0] > 1 && t.nb[d] % 16) return false;
    }
    return true;
}

/// A tensor may begin up to binding_align bytes after its binding.
bool far(const ops::Call& call, const std::map<std::string, int64_t>& facts) {
    const auto most = facts.find("max_binding"), align = facts.find("binding_align");
    if (most == facts.end() || align == facts.end()) return false;
    return std::any_of(call.arg.begin(), call.arg.end(), [&](const Tensor& t) {
        return t && t.span() + uint64_t(align->second) > uint64_t(most->second);
    });
}

}  // namespace

std::vector<KernelRow> parse_kernel_rows(const std::string& text, const std::string& file) {
    std::vector<KernelRow> rows;
    std::istringstream lines(text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        line = trim(line.substr(0, line.find('#')));
        if (line.empty()) continue;
        try {
            parse_line(line, rows);
        } catch (const Error& e) {
            throw Error(e.status, file + ":" + std::to_string(number) + ": " + e.what());
        }
    }
    std::vector<KernelRow> all;
    for (KernelRow& row : rows) {
        try {
            check_whole(row);
        } catch (const Error& e) {
            throw Error(e.status, file + ": " + e.what());
        }
        all.push_back(row);
        if (row.far) all.push_back(far_row(std::move(row)));
    }
    return all;
}

const std::vector<KernelRow>& kernel_rows(const ops::Op& op, std::string_view backend) {
    static std::mutex mutex;
    static std::map<std::string, std::vector<KernelRow>> cache;
    const std::lock_guard lock(mutex);
    const std::string key = std::string(backend) + ":" + op.stem;
    if (const auto it = cache.find(key); it != cache.end()) return it->second;
    const std::string file = std::string(op.stem) + ".kernels";
    const std::string prefix = std::string(backend) + ":";
    std::vector<KernelRow> rows;  // kept only when all of the file could be read
    for (KernelRow& row : parse_kernel_rows(kernel_source(file), file))
        if (row.name.starts_with(prefix)) {
            check_wide(op, row, file), check_matrices(op, row, file);
            rows.push_back(std::move(row));
        }
    return cache.emplace(key, std::move(rows)).first->second;
}

std::vector<const KernelRow*> kernel_rows(const ops::Op& op, std::string_view backend,
                                          const std::map<std::string, int64_t>& facts) {
    std::vector<const KernelRow*> first, last;
    const auto fact = [&](const std::string& name) {
        const auto it = facts.find(name);
        if (it != facts.end()) return it->second;
        throw Error(Status::internal, std::string(op.stem) + ".kernels: last: no device has the fact '" + name + "'");
    };
    for (const KernelRow& row : kernel_rows(op, backend)) (!row.last.empty() && row.last(fact) ? last : first).push_back(&row);
    first.insert(first.end(), last.begin(), last.end());
    return first;
}

bool KernelRow::has_gemm() const {
    return std::any_of(passes.begin(), passes.end(), [](const Pass& p) { return p.gemm.has_value(); });
}

void check_constants(const ops::Op& op, const KernelRow& row, const Takes& takes) {
    const auto check = [&](const std::string& name, const char* kind) {
        for (const Pass& pass : row.passes)
            if (!pass.gemm && takes(pass, name)) return;
        std::string sources;
        for (const Pass& pass : row.passes) sources += (sources.empty() ? "" : ", ") + pass.key;
        throw Error(Status::invalid_argument, std::string(op.stem) + ".kernels: [" + row.name + "] " + kind + " " + name +
                                                  ": no kernel of the row has a constant of that name (" + sources +
                                                  "); correct the name or take the line out");
    };
    for (const KernelRow::Tune& t : row.tunes) check(t.name, "tune");
    for (const auto& [name, value] : row.constants) check(name, "constant");
}

bool has_word(const std::string& text, const std::string& name) {
    const auto part = [](char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)); };
    for (size_t at = 0; at < text.size();) {
        if (text.compare(at, 2, "//") == 0) {
            at = std::min(text.find('\n', at), text.size());
        } else if (text.compare(at, 2, "/*") == 0) {
            at = std::min(text.find("*/", at + 2), text.size() - 2) + 2;
        } else if (part(text[at])) {
            const size_t start = at;
            while (at < text.size() && part(text[at])) ++at;
            if (text.compare(start, at - start, name) == 0) return true;
        } else {
            ++at;
        }
    }
    return false;
}

Scope::Scope(const ops::Op& op, const ops::Call& call, const std::map<std::string, int64_t>& facts,
             const KernelRow& row, const std::map<std::string, int64_t>& tuned)
    : op_(op), facts_(facts), params_(op.params_size), aligned16_(aligned16(op, call, row.wide)), far_(far(call, facts)) {
    op.fill_params(call, params_.data());
    for (const KernelRow::Tune& t : row.tunes) {
        const auto it = tuned.find(t.name);
        specialisation_.emplace_back(t.name, it != tuned.end() ? it->second : (*this)(t.fallback));
    }
    for (const auto& [name, value] : row.constants) specialisation_.emplace_back(name, (*this)(value));
}

int64_t Scope::operator()(const std::string& name) const {
    for (const auto& [known, value] : specialisation_)
        if (known == name) return value;
    for (const ops::Field& f : op_.fields) {
        if (f.is_float || f.name != name) continue;
        int32_t value;
        std::memcpy(&value, params_.data() + f.offset, sizeof value);
        return value;
    }
    if (name == "aligned16") return aligned16_;
    if (name == "far") return far_;
    if (piece_ && name == "t0") return piece_->t0;
    if (piece_ && name == "t1") return piece_->t1;
    if (const auto it = facts_.find(name); it != facts_.end()) return it->second;
    throw Error(Status::internal, std::string(op_.stem) + ".kernels: nobody knows the name '" + name + "'");
}

int64_t Scope::tokens() const {
    const auto is_T = [](const ops::Field& f) { return std::string_view(f.name) == "T"; };
    return std::any_of(op_.fields.begin(), op_.fields.end(), is_T) ? (*this)("T") : 0;
}

int64_t Scope::operator()(const Expr& e) const {
    return e([this](const std::string& name) { return (*this)(name); });
}

std::vector<Piece> pieces(const KernelRow& row, const Scope& scope) {
    if (row.pieces_of.empty()) return {{0, scope.tokens()}};
    const int64_t all = scope(row.pieces_of), most = scope(row.piece);
    if (most < 1) throw Error(Status::internal, "kernel row: pieces of `" + row.piece.text() + "`, which is below 1");
    std::vector<Piece> list;
    for (int64_t t = 0; t < all; t += most) list.push_back({t, std::min(t + most, all)});
    return list;
}

std::string decline(const ops::Op& op, const ops::Call& call, const std::map<std::string, int64_t>& facts,
                    const KernelRow& row) {
    const Scope scope(op, call, facts, row, tuned_values(row.name));
    for (const KernelRow::Need& n : row.needs)
        if (!scope(n.condition)) return n.reason;
    return "";
}

std::vector<uint64_t> scratch_places(const KernelRow& row, const Scope& scope, uint64_t align) {
    std::vector<uint64_t> places{0};
    for (const auto& [name, bytes] : row.scratch)
        places.push_back(places.back() + (uint64_t(std::max<int64_t>(scope(bytes), 0)) + align - 1) / align * align);
    return places;
}

}  // namespace rw::core
