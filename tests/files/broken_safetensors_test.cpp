// What a safetensors file must not be, and what is said of it.

#include <gtest/gtest.h>
#include <ostream>
#include <stdexcept>
#include <string>

#include "qkv/files/safetensors.h"
#include "tests/files/file_of_header.h"

namespace qkv {
namespace {

std::string one_tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

/// What reading this content complains about; "" if it is accepted.
std::string complaint(std::string content) {
  try {
    SafetensorsFile::parse(std::move(content), "model.safetensors");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

struct Broken {
  const char* name;
  std::string content;
  const char* complaint;
};

void PrintTo(const Broken& broken, std::ostream* stream) { *stream << broken.name; }

class BrokenSafetensors : public testing::TestWithParam<Broken> {};

TEST_P(BrokenSafetensors, IsRefusedWithItsReason) {
  EXPECT_EQ(complaint(GetParam().content), std::string("model.safetensors: ") + GetParam().complaint);
}

const std::string good = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";

INSTANTIATE_TEST_SUITE_P(
    Files, BrokenSafetensors,
    testing::Values(
        Broken{"Empty", "", "only 0 bytes, too short for a safetensors file; was it cut short?"},
        Broken{"CutInLength", "1234567", "only 7 bytes, too short for a safetensors file; was it cut short?"},
        Broken{"CutInHeader", file_of(one_tensor("\"F32\"", "[1]", "[0,4]"), 4).substr(0, 30),
               "says its header is 54 bytes long, but only 22 bytes follow; was it cut short?"},
        Broken{
            "HeaderTooLong", std::string(8, '\x7f') + "{}",
            "says its header is 9187201950435737471 bytes long, more than the 100000000 allowed; is it a safetensors "
            "file?"},
        Broken{"CutInNumbers", file_of(one_tensor("\"F32\"", "[2]", "[0,8]"), 7),
               "tensor 'a': its offsets [0, 8] lie outside the 7 bytes of numbers; was the file cut short?"},
        Broken{"NotJson", file_of(R"({"a":)", 0),
               "the header is not valid JSON at its byte 6: expected a value, found the end"},
        Broken{"AfterTheJson", file_of("{} {}", 0),
               "the header is not valid JSON at its byte 4: expected the end, found '{'"},
        Broken{"NotUtf8", file_of("{\"\xff\":1}", 0),
               "the header is not valid JSON at its byte 3: expected UTF-8, found byte 0xff"},
        Broken{"NotAnObject", file_of("[]", 0), "the header does not begin with '{'; is it a safetensors file?"},
        Broken{"NoHeader", file_of("", 0), "the header does not begin with '{'; is it a safetensors file?"},
        Broken{"SameNameTwice", file_of(R"({"a":{)" + good + R"(},"a":{)" + good + "}}", 4),
               "the header is not valid JSON at its byte 57: \"a\" occurs twice"},
        Broken{"SameFieldTwice", file_of(R"({"a":{"dtype":"I32",)" + good + "}}", 4),
               "the header is not valid JSON at its byte 27: \"dtype\" occurs twice in \"a\""},
        Broken{"TensorNotAnObject", file_of(R"({"a":3})", 0), "tensor 'a': not an object"},
        Broken{"NoDtype", file_of(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4), "tensor 'a': no 'dtype'"},
        Broken{"NoShape", file_of(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4), "tensor 'a': no 'shape'"},
        Broken{"NoOffsets", file_of(R"({"a":{"dtype":"F32","shape":[1]}})", 4), "tensor 'a': no 'data_offsets'"},
        Broken{"UnknownField", file_of(R"({"a":{"scale":1,)" + good + "}}", 4), "tensor 'a': unknown field 'scale'"},
        Broken{"DtypeNotAString", file_of(one_tensor("32", "[1]", "[0,4]"), 4), "tensor 'a': dtype is not a string"},
        Broken{"UnknownDtype", file_of(one_tensor("\"BF16\"", "[2]", "[0,4]"), 4),
               "tensor 'a': dtype 'BF16' is not one of F32, F64, I32, I64"},
        Broken{"ShapeNotAList", file_of(one_tensor("\"F32\"", "1", "[0,4]"), 4), "tensor 'a': shape is not a list"},
        Broken{"NegativeSize", file_of(one_tensor("\"F32\"", "[1,-1]", "[0,4]"), 4),
               "tensor 'a': the shape holds -1, which is no size from 0"},
        Broken{"FractionalSize", file_of(one_tensor("\"F32\"", "[1.0]", "[0,4]"), 4),
               "tensor 'a': the shape holds 1.0, which is no size from 0"},
        Broken{"SizeBeyond63Bits", file_of(one_tensor("\"F32\"", "[9223372036854775808]", "[0,4]"), 4),
               "tensor 'a': the shape holds 9223372036854775808, which is no size from 0"},
        Broken{"ShapeOverflows", file_of(one_tensor("\"F32\"", "[4294967296,4294967296]", "[0,0]"), 0),
               "tensor 'a': shape [4294967296, 4294967296] is too large"},
        Broken{"SizeDoesNotFit", file_of(one_tensor("\"F64\"", "[2,3]", "[0,24]"), 24),
               "tensor 'a': F64 [2, 3] needs 48 bytes, but its offsets [0, 24] hold 24"},
        Broken{"ScalarDoesNotFit", file_of(one_tensor("\"F64\"", "[]", "[0,4]"), 4),
               "tensor 'a': F64 [] needs 8 bytes, but its offsets [0, 4] hold 4"},
        Broken{"OneOffset", file_of(one_tensor("\"F32\"", "[1]", "[4]"), 4),
               "tensor 'a': data_offsets is not a list of two places from 0"},
        Broken{"NegativeOffset", file_of(one_tensor("\"F32\"", "[1]", "[-4,0]"), 4),
               "tensor 'a': data_offsets is not a list of two places from 0"},
        Broken{"OffsetsBackwards", file_of(one_tensor("\"F32\"", "[1]", "[4,0]"), 4),
               "tensor 'a': its offsets [4, 0] end before they begin"},
        Broken{"Overlap", file_of(R"({"b":{)" + good + R"(},"a":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}})", 8),
               "tensor 'a' overlaps 'b': it begins at 0, before 4"},
        Broken{"Hole", file_of(R"({"b":{)" + good + R"(},"a":{"dtype":"I32","shape":[1],"data_offsets":[8,12]}})", 12),
               "bytes 4 to 8 before tensor 'a' belong to none"},
        Broken{"HoleAtTheEnd", file_of(one_tensor("\"F32\"", "[1]", "[0,4]"), 9),
               "the last 5 bytes, after tensor 'a', belong to no tensor"},
        Broken{"OnlyAHole", file_of("{}", 5), "the last 5 bytes belong to no tensor"},
        Broken{"NoName", file_of(R"({"":{)" + good + "}}", 4), "a tensor has no name"},
        Broken{"ShapeOfLists", file_of(one_tensor("\"F32\"", "[[1,2],3]", "[0,4]"), 4),
               "tensor 'a': the shape holds a list, which is no size from 0"},
        Broken{"TooManyDimensions",
               file_of(one_tensor(
                           "\"F32\"",
                           "[1" +
                               [] {
                                 std::string more;
                                 for (int i = 0; i < 64; ++i) more += ",1";
                                 return more;
                               }() +
                               "]",
                           "[0,4]"),
                       4),
               "tensor 'a': its shape has 65 dimensions, more than the 64 allowed"},
        Broken{"DeepShape",
               file_of(one_tensor("\"F32\"", std::string(200'000, '[') + std::string(200'000, ']'), "[0,4]"), 4),
               "the header is not valid JSON at its byte 43: lists and objects inside each other more than 16 deep"},
        Broken{"DeepMetadata", file_of("{\"__metadata__\":" + std::string(200'000, '['), 0),
               "the header is not valid JSON at its byte 32: lists and objects inside each other more than 16 deep"},
        Broken{"MetadataNotAnObject", file_of(R"({"__metadata__":[]})", 0), "__metadata__ is not an object"},
        Broken{"MetadataNotText", file_of(R"({"__metadata__":{"step":3}})", 0),
               "__metadata__: 'step' is not a string"}),
    [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace qkv
