#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace podreeve::podman {

// Reads JSON from a buffer, front to back, without a tree: for the two lists that every pass asks
// for, where a tree of a thousand rows would cost more than all the rest of the pass. Each call
// takes one value; a value of another type than asked for is passed over and reads as empty. The
// first mistake in the JSON fails the reader for good: then every call gives nothing, and what was
// read so far is not to be used. The text must outlive the reader.
class JsonReader {
  public:
    explicit JsonReader(std::string_view text)
        : at_(text.data()), end_(text.data() + text.size()) {}

    std::string text();
    std::int64_t number();
    bool flag();
    std::vector<std::string> texts();
    std::map<std::string, std::string> text_map();
    void skip();

    // Calls each(key) once a member; it must take the member's value. The key is valid until then.
    // False when the value is no object.
    template <class Each>
    bool object(Each each) {
        if (!open('{')) {
            return false;
        }
        for (bool more = first('}'); more; more = next('}')) {
            const std::string_view name = key();
            if (!failed_) {
                each(name);
            }
        }
        --depth_;
        return true;
    }

    // Calls each() once an item; it must take the item. False when the value is no array.
    template <class Each>
    bool array(Each each) {
        if (!open('[')) {
            return false;
        }
        for (bool more = first(']'); more; more = next(']')) {
            each();
        }
        --depth_;
        return true;
    }

    // Whether all was valid and nothing but space is left.
    bool finished();

  private:
    static constexpr int kMaxDepth = 64;

    char peek();               // the next character that is no space; 0 at the end
    bool open(char bracket);   // enters the value, or passes over it
    bool first(char closing);  // behind an opening bracket: whether there is an item
    bool next(char closing);   // behind an item: whether there is another
    std::string_view key();
    std::string_view raw_text();  // what is between the quotes, escapes as they are
    void expect(char wanted);
    bool take_word(std::string_view word);
    void skip_number();
    void fail();

    const char* at_;
    const char* end_;
    int depth_ = 0;
    bool failed_ = false;
    bool escaped_ = false;  // whether the text read last holds escapes
    std::string key_;       // a key that had escapes
};

}  // namespace podreeve::podman
