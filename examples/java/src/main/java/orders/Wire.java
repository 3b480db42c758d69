package orders;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/**
 * The contract: which schemas there are, and the bytes of a record's value. A value is in the
 * Confluent wire format: a zero byte, the id of the writer's schema in four bytes (big-endian),
 * then one Avro datum. The ids stand in {@code schemas/ids.json}, so no registry is needed.
 */
final class Wire {
    /** Where Kafka listens. */
    static final String BROKERS =
            System.getenv().getOrDefault("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092");

    private static final int PREFIX_BYTES = 5;

    private final Map<Integer, Schema> schemas = new HashMap<>();
    private final Map<String, Integer> ids = new HashMap<>();

    static {
        // A damaged record may claim any length; no record is larger than this.
        System.setProperty("org.apache.avro.limits.string.maxLength", "1048576");
        System.setProperty("org.apache.avro.limits.bytes.maxLength", "1048576");
        System.setProperty("org.apache.avro.limits.collectionItems.maxLength", "1048576");
    }

    /** The value is no event; the message says why. */
    static final class BadRecordException extends Exception {
        BadRecordException(String why) {
            super(why);
        }
    }

    /** Reads all schemas in the folder that the environment variable SCHEMAS names. */
    Wire() {
        Path folder = Path.of(System.getenv().getOrDefault("SCHEMAS", "schemas"));
        try {
            var files = new ObjectMapper().readTree(folder.resolve("ids.json").toFile());
            for (var file : files.properties()) {
                int id = Integer.parseInt(file.getKey());
                String path = file.getValue().asText();
                ids.put(path, id);
                schemas.put(id, new Schema.Parser().parse(folder.resolve(path).toFile()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the schemas cannot be read: " + e.getMessage(), e);
        }
    }

    /** The schema in a file, such as {@code orders/OrderPlaced.avsc}. */
    Schema schema(String path) {
        return schemas.get(ids.get(path));
    }

    /** The value that holds {@code event}, written with the schema in {@code path}. */
    byte[] encode(String path, GenericRecord event) throws IOException {
        var value = new ByteArrayOutputStream();
        value.write(0);
        value.write(ByteBuffer.allocate(4).putInt(ids.get(path)).array());
        var encoder = EncoderFactory.get().binaryEncoder(value, null);
        new GenericDatumWriter<GenericRecord>(schema(path)).write(event, encoder);
        encoder.flush();
        return value.toByteArray();
    }

    /** The event in {@code value}, as its writer's schema has it. */
    GenericRecord decode(byte[] value) throws BadRecordException {
        if (value == null || value.length < PREFIX_BYTES) {
            throw new BadRecordException("the value is too short for the wire format");
        }
        if (value[0] != 0) {
            int first = value[0] & 0xFF;
            throw new BadRecordException("the value begins with byte " + first + ", not with 0");
        }
        int id = ByteBuffer.wrap(value, 1, 4).getInt();
        Schema schema = schemas.get(id);
        if (schema == null) {
            String unsigned = Integer.toUnsignedString(id);
            throw new BadRecordException("no schema with id " + unsigned + " is known");
        }
        try {
            BinaryDecoder decoder =
                    DecoderFactory.get()
                            .binaryDecoder(value, PREFIX_BYTES, value.length - PREFIX_BYTES, null);
            GenericRecord event = new GenericDatumReader<GenericRecord>(schema).read(null, decoder);
            if (!decoder.isEnd()) {
                throw new BadRecordException("something follows the " + schema.getName());
            }
            return event;
        } catch (IOException | RuntimeException e) {
            // Damaged bytes make Avro throw many kinds: EOFException, IndexOutOfBoundsException …
            throw new BadRecordException("not a " + schema.getName() + ": " + e);
        }
    }
}
