// The article's function with its two worst faults mended: it reads all records, and waits for its writes.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";

const dynamo = DynamoDBDocument.from(new DynamoDBClient({}));
const tableName = "mailing";

export const handler = async (event) => {
  for (const record of event.Records) {
    const message = JSON.parse(record.Sns ? record.Sns.Message : record.body);
    const { addresses, state } = verdict(message);
    console.log(message.notificationType + " of message " + message.mail.messageId + ": " + addresses.join(", "));
    await Promise.all(
      addresses.map((address) =>
        dynamo.put({
          TableName: tableName,
          Item: {
            UserId: address,
            notificationType: message.notificationType,
            from: message.mail.source,
            timestamp: message.mail.timestamp,
            state,
          },
        }),
      ),
    );
  }
};

function verdict(message) {
  switch (message.notificationType) {
    case "Bounce":
      return { addresses: message.bounce.bouncedRecipients.map((each) => each.emailAddress), state: "disable" };
    case "Complaint":
      return { addresses: message.complaint.complainedRecipients.map((each) => each.emailAddress), state: "disable" };
    case "Delivery":
      return { addresses: message.delivery.recipients, state: "enable" };
    default:
      throw new Error("Unknown notification type: " + message.notificationType);
  }
}
